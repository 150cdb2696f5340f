# Everything slope is built on, as lists of link items. Header-only libraries used by sources alone are wrapped in BUILD_INTERFACE, so
# that an installed slope does not ask its users for them.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
include(SlopeMath)

set(slope_fmt $<BUILD_INTERFACE:fmt::fmt-header-only>)
set(slope_json $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
