#pragma once

/// The version, by semantic versioning: MAJOR changes when programs must be changed, MINOR when something was added, PATCH otherwise.
/// Before 1.0.0 MINOR may break programs; CHANGELOG.md says how.
///
///     #if SLOPE_VERSION >= 200  // 0.2.0
#define SLOPE_VERSION_MAJOR 0
#define SLOPE_VERSION_MINOR 2
#define SLOPE_VERSION_PATCH 0
/// MAJOR * 10000 + MINOR * 100 + PATCH.
#define SLOPE_VERSION (SLOPE_VERSION_MAJOR * 10000 + SLOPE_VERSION_MINOR * 100 + SLOPE_VERSION_PATCH)
