#pragma once

#include <filesystem>

// Where the tests' files are. Only main.cpp is compiled with the folder's name, so that a compiler cache serves every checkout.

/// tests/data.
const std::filesystem::path& test_data();
/// The folder that holds the whole project, for tests that read its sources.
std::filesystem::path source_root();
