# Proves that the arrows between the folders bind: for each line below, a source that sees what the library sees
# includes a header of the other folder, and must compile or must not find it.
set(cases
    "model allowed ops"
    "model forbidden impl/page"
    "model forbidden impl"
    "model forbidden props"
    "ops forbidden model"
    "traces allowed ops"
    "traces forbidden model"
    "arena forbidden ops"
    "arena forbidden impl/machine"
    "defects forbidden ops"
    "defects forbidden impl/arena"
    "sched allowed impl/defects"
    "sched forbidden ops"
    "sched forbidden impl/machine"
    "machine allowed ops"
    "machine allowed impl/arena"
    "machine allowed impl/defects"
    "machine forbidden impl/sched"
    "machine forbidden impl/page"
    "page allowed impl/machine"
    "page allowed impl/sched"
    "page forbidden impl/pmap_i386"
    "pmap_i386 allowed impl/page"
    "pmap_i386 forbidden impl/vm"
    "vm allowed impl/pmap_i386"
    "vm forbidden impl"
    "system allowed impl/vm"
    "system forbidden model"
    "system forbidden props"
    "props allowed model"
    "props allowed impl"
    "props allowed traces"
    "props forbidden props/smt")

file(MAKE_DIRECTORY ${WORK_DIR})
set(failures 0)

# Compiles a source with `#include "<header>"`; `outcome` is allowed, forbidden, or broken for any other error.
function(try_include outcome includes header)
    set(source ${WORK_DIR}/probe.cc)
    file(WRITE ${source} "#include \"${header}\"\n")
    string(REPLACE "|" ";" directories "${includes}")
    list(TRANSFORM directories PREPEND -I)
    execute_process(
        COMMAND ${CXX} -std=c++20 -fsyntax-only ${directories} ${source}
        RESULT_VARIABLE result
        ERROR_VARIABLE errors)
    string(FIND "${errors}" "probe.cc:1:10: fatal error: " at)
    if(result EQUAL 0)
        set(${outcome} allowed PARENT_SCOPE)
    elseif(at GREATER_EQUAL 0)
        set(${outcome} forbidden PARENT_SCOPE)
    else()
        set(${outcome} "broken (${errors})" PARENT_SCOPE)
    endif()
endfunction()

foreach(case IN LISTS cases)
    string(REPLACE " " ";" words ${case})
    list(GET words 0 library)
    list(GET words 1 expected)
    list(GET words 2 folder)
    file(GLOB headers RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/${folder}/*.h)
    if(NOT headers)
        message("vmref_${library}: ${folder}/ has no header to try")
        math(EXPR failures "${failures} + 1")
        continue()
    endif()
    list(GET headers 0 header)
    try_include(outcome "${${library}_INCLUDES}" ${header})
    message("vmref_${library}: \"${header}\" is ${outcome}, expected ${expected}")
    if(NOT outcome STREQUAL expected)
        math(EXPR failures "${failures} + 1")
    endif()
endforeach()

if(failures GREATER 0)
    message(FATAL_ERROR "${failures} includes do not behave as the layers say")
endif()
