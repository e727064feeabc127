# How vmref declares libraries, tests and programs.
#
#   vmref_add_library(<name> <folder> [<dependency>...] [PRIVATE <dependency>...] [NO_INSTALL])
#   vmref_add_test(<name> SOURCES <file>... [LIBRARIES <library>...])
#   vmref_add_folder_test(<library> <folder> [<more libraries>...])
#   vmref_add_program(<name> SOURCES <file>... LIBRARIES <library>...)
#
# A folder is named relative to the repository. It owns the sources and headers below it, except what lies
# below a deeper CMakeLists.txt.
#
# Includes are rooted at the repository, yet a forbidden include must not build. So no target gets the repository itself
# as an include directory: each library has one of its own in the build tree, with links to nothing but its headers,
# and a target sees the headers of the libraries it links.

include(GNUInstallDirs)

set(VMREF_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/vmref)

# Used PRIVATE, so that who links vmref keeps their own warnings. NDEBUG stays undefined: assertions are always on.
add_library(vmref_warnings INTERFACE)
target_compile_options(vmref_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                                                -Wold-style-cast -Werror -UNDEBUG)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    # Instrumented code misleads this analysis, even in the standard library (std::regex).
    target_compile_options(vmref_warnings INTERFACE -Wno-maybe-uninitialized)
endif()

# Libraries carry ordinary code beside the intermediate one: tests link quickly without link-time optimisation,
# and an installed library serves any compiler. Only GCC can write such objects.
set(VMREF_LTO_ENABLED OFF)
if(VMREF_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT VMREF_LTO_ENABLED LANGUAGES CXX)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        set(VMREF_LTO_ENABLED OFF)
    endif()
    if(NOT VMREF_LTO_ENABLED)
        message(STATUS "vmref: no link-time optimisation with this compiler")
    endif()
endif()

# The files below `folder` that match `pattern` and belong to it.
function(vmref_folder_files result folder pattern)
    file(GLOB_RECURSE files RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/${pattern})
    set(owned "")
    foreach(file IN LISTS files)
        cmake_path(GET file PARENT_PATH owner)
        while(NOT owner STREQUAL folder AND NOT EXISTS ${PROJECT_SOURCE_DIR}/${owner}/CMakeLists.txt)
            cmake_path(GET owner PARENT_PATH owner)
        endwhile()
        if(owner STREQUAL folder)
            list(APPEND owned ${file})
        endif()
    endforeach()
    set(${result} ${owned} PARENT_SCOPE)
endfunction()

# Links the headers of `folder` into an include directory that holds nothing else, and names it in `result`.
function(vmref_stage_headers result folder headers)
    string(REPLACE "/" "_" flat ${folder})
    set(stage ${PROJECT_BINARY_DIR}/include/${flat})
    file(REMOVE_RECURSE ${stage})
    file(MAKE_DIRECTORY ${stage})
    foreach(header IN LISTS headers)
        cmake_path(GET header PARENT_PATH subfolder)
        file(MAKE_DIRECTORY ${stage}/${subfolder})
        file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${header} ${stage}/${header} SYMBOLIC)
    endforeach()
    set(${result} ${stage} PARENT_SCOPE)
endfunction()

# What only tests include stays behind.
function(vmref_install_library name headers)
    list(FILTER headers EXCLUDE REGEX "(_test|/test_files)\\.h$")
    install(TARGETS ${name} EXPORT vmrefTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    foreach(header IN LISTS headers)
        cmake_path(GET header PARENT_PATH subfolder)
        install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${VMREF_INSTALL_INCLUDEDIR}/${subfolder})
    endforeach()
endfunction()

# The library of one folder: its sources without tests and main.cc, its headers, and the dependencies it may use.
# A folder of headers alone becomes an INTERFACE library.
function(vmref_add_library name folder)
    cmake_parse_arguments(PARSE_ARGV 2 arg "NO_INSTALL" "" "PRIVATE")
    vmref_folder_files(headers ${folder} "*.h")
    vmref_folder_files(sources ${folder} "*.cc")
    list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
    vmref_stage_headers(stage ${folder} "${headers}")

    if(sources)
        list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/)
        add_library(${name} STATIC ${sources})
        set(visibility PUBLIC)
        target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:vmref_warnings> ${arg_PRIVATE})
        if(VMREF_LTO_ENABLED)
            target_compile_options(${name} PRIVATE -flto=auto -ffat-lto-objects)
        endif()
    else()
        add_library(${name} INTERFACE)
        set(visibility INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_PRIVATE})
    endif()
    add_library(vmref::${name} ALIAS ${name})

    target_compile_features(${name} ${visibility} cxx_std_20)
    target_include_directories(${name} ${visibility} $<BUILD_INTERFACE:${stage}>
                                                     $<INSTALL_INTERFACE:${VMREF_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${name} ${visibility} ${arg_UNPARSED_ARGUMENTS})
    if(NOT arg_NO_INSTALL)
        vmref_install_library(${name} "${headers}")
    endif()
endfunction()

# One GoogleTest program; each of its cases is a test of its own for ctest, run in the root of the repository.
function(vmref_add_test name)
    if(NOT BUILD_TESTING)
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE vmref_warnings ${arg_LIBRARIES} GTest::gtest_main)
    include(GoogleTest)
    gtest_discover_tests(
        ${name}
        TEST_PREFIX "${name}."
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        DISCOVERY_MODE PRE_TEST
        DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT 300)
endfunction()

# The unit tests of a folder (its *_test.cc), as one program called <library>_test.
function(vmref_add_folder_test library folder)
    vmref_folder_files(sources ${folder} "*_test.cc")
    if(sources)
        list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/)
        vmref_add_test(${library}_test SOURCES ${sources} LIBRARIES ${library} ${ARGN})
    endif()
endfunction()

function(vmref_add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE vmref_warnings ${arg_LIBRARIES})
    if(VMREF_LTO_ENABLED)
        target_link_options(${name} PRIVATE -flto=auto)
    endif()
endfunction()
