# Everything comes from Debian packages (cmake/packages.sh names them); nothing is downloaded.
# What the libraries link is repeated in cmake/vmrefConfig.cmake.in.
find_package(Boost 1.74 REQUIRED COMPONENTS context)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(valijson REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 REQUIRED)
# Only the proofs need it: without it `vmref prove` says so, and all else works.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_package(Z3 4.8 MODULE)
if(BUILD_TESTING)
    find_package(GTest REQUIRED)
    find_package(rapidcheck REQUIRED)
endif()
if(VMREF_BENCHMARKS)
    find_package(benchmark REQUIRED)
endif()
