# Checks of the sources themselves: the layers, the formatting, clang-tidy.

if(BUILD_TESTING)
    set(layer_includes "")
    foreach(library IN ITEMS ops model arena defects sched machine page pmap_i386 vm system traces props)
        list(APPEND layer_includes
             -D "${library}_INCLUDES=$<JOIN:$<TARGET_PROPERTY:vmref_${library},INTERFACE_INCLUDE_DIRECTORIES>,|>")
    endforeach()
    add_test(
        NAME layers_forbidden_include
        COMMAND
            ${CMAKE_COMMAND} -D CXX=${CMAKE_CXX_COMPILER} -D SOURCE_DIR=${PROJECT_SOURCE_DIR} -D
            WORK_DIR=${PROJECT_BINARY_DIR}/layers ${layer_includes} -P ${PROJECT_SOURCE_DIR}/cmake/layers_test.cmake)
    add_test(NAME layers_relative_include COMMAND ${PROJECT_SOURCE_DIR}/cmake/sources.sh relative-includes)
    add_test(NAME format_check COMMAND ${PROJECT_SOURCE_DIR}/cmake/sources.sh format-check)
    set_tests_properties(format_check PROPERTIES SKIP_RETURN_CODE 77)
endif()

if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(format-check COMMAND ${PROJECT_SOURCE_DIR}/cmake/sources.sh format-check VERBATIM)
    add_custom_target(format COMMAND ${PROJECT_SOURCE_DIR}/cmake/sources.sh format VERBATIM)
    add_custom_target(
        tidy
        COMMAND ${PROJECT_SOURCE_DIR}/cmake/sources.sh tidy ${PROJECT_BINARY_DIR}
        USES_TERMINAL VERBATIM)
endif()
