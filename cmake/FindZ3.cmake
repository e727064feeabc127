# Z3 with its C++ interface, as Debian's libz3-dev has it: the target z3::z3. Debian packages no CMake configuration.
find_path(Z3_INCLUDE_DIR z3++.h)
find_library(Z3_LIBRARY z3)
mark_as_advanced(Z3_INCLUDE_DIR Z3_LIBRARY)
if(Z3_INCLUDE_DIR AND EXISTS ${Z3_INCLUDE_DIR}/z3_version.h)
    file(STRINGS ${Z3_INCLUDE_DIR}/z3_version.h Z3_VERSION REGEX "Z3_FULL_VERSION")
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" Z3_VERSION "${Z3_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    Z3
    REQUIRED_VARS Z3_LIBRARY Z3_INCLUDE_DIR
    VERSION_VAR Z3_VERSION)
if(Z3_FOUND AND NOT TARGET z3::z3)
    add_library(z3::z3 UNKNOWN IMPORTED)
    set_target_properties(z3::z3 PROPERTIES IMPORTED_LOCATION ${Z3_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES
                                                                              ${Z3_INCLUDE_DIR})
endif()
