# The guest for the oracle of the machine world, from props/machine/guest: 32-bit code without a library, which any x86
# compiler can make. Its bytes become a source file of vmref_props; no binary is kept.

include(CheckCXXSourceCompiles)

# Adds guest_image() to `target`: the guest, or nothing where none can be built.
function(vmref_add_mmu_guest target)
    set(folder ${PROJECT_SOURCE_DIR}/props/machine/guest)
    set(work ${PROJECT_BINARY_DIR}/mmu_guest)
    set(image ${work}/guest_image.cc)
    set(flags -m32 -std=c++20 -Os -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-exceptions -fno-rtti
              -fno-asynchronous-unwind-tables -fcf-protection=none -mno-sse -mno-mmx -mno-80387 -Wall -Wextra
              -Wpedantic -Wshadow -Wconversion -Werror)
    file(MAKE_DIRECTORY ${work})

    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
    set(CMAKE_REQUIRED_FLAGS "-m32 -ffreestanding -mno-80387")
    check_cxx_source_compiles("unsigned twice(unsigned n) { return 2 * n; }" VMREF_MAKES_32_BIT_CODE)
    find_program(VMREF_LD ld)
    if(NOT VMREF_MAKES_32_BIT_CODE OR NOT VMREF_LD)
        message(STATUS "vmref: no 32-bit code from this compiler; the machine world will have no oracle")
        add_custom_command(
            OUTPUT ${image}
            COMMAND ${CMAKE_COMMAND} -D IMAGE= -D OUTPUT=${image} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
            DEPENDS ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
            VERBATIM)
        target_sources(${target} PRIVATE ${image})
        return()
    endif()

    set(slot 0x3F0) # guest::kSlot
    add_custom_command(
        OUTPUT ${image}
        COMMAND ${CMAKE_CXX_COMPILER} ${flags} -I ${PROJECT_SOURCE_DIR} -c ${folder}/guest.cc -o ${work}/guest.o
        COMMAND ${CMAKE_CXX_COMPILER} -m32 -D SLOT=${slot} -c ${folder}/start.S -o ${work}/start.o
        COMMAND ${VMREF_LD} -m elf_i386 -s --no-warn-rwx-segments --build-id=none --defsym=SLOT=${slot} -T
                ${folder}/guest.ld ${work}/start.o ${work}/guest.o -o ${work}/guest.elf
        COMMAND ${CMAKE_COMMAND} -D IMAGE=${work}/guest.elf -D OUTPUT=${image} -P
                ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${folder}/guest.cc ${folder}/start.S ${folder}/guest.ld
                ${PROJECT_SOURCE_DIR}/props/machine/guest_protocol.h ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
        COMMENT "Building the guest for QEMU"
        VERBATIM)
    target_sources(${target} PRIVATE ${image})
endfunction()
