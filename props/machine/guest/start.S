/* The guest's beginning, its traps, and the accesses under test. SLOT is guest::kSlot.
   It is linked to run inside its slot (guest.ld) and loaded at 1 MiB by the multiboot header. */
#define SLOT_BASE (SLOT << 22)
#define PHYSICAL(label) ((label) - SLOT_BASE)
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x1B
#define USER_DATA 0x23
#define TASK 0x28

    .section .multiboot, "a"
    .align 4
    .long 0x1BADB002, 0, -0x1BADB002

    .text
    .globl _start, probe, trap_entries
_start:
    cli
    cld
    /* A directory with 4 MiB pages over all RAM where the guest now runs, and its slot with 4 KiB pages. */
    mov $PHYSICAL(boot_directory), %edi
    mov $0x83, %eax
    mov $16, %ecx
1:  stosl
    add $0x400000, %eax
    loop 1b
    mov $PHYSICAL(slot_table), %edi
    mov $0x67, %eax
    mov $1024, %ecx
1:  stosl
    add $0x1000, %eax
    loop 1b
    movl $(PHYSICAL(slot_table) + 0x27), PHYSICAL(boot_directory) + 4 * SLOT
    mov %cr4, %eax
    or $0x10, %eax
    mov %eax, %cr4
    mov $PHYSICAL(boot_directory), %eax
    mov %eax, %cr3
    mov $0x80010011, %eax
    mov %eax, %cr0
    mov $in_slot, %eax
    jmp *%eax
in_slot:
    lgdt gdt_pointer
    ljmp $KERNEL_CODE, $1f
1:  mov $USER_DATA, %ax
    mov %ax, %ds
    mov %ax, %es
    mov $KERNEL_DATA, %ax
    mov %ax, %ss
    mov $stack_top, %esp
    mov $task_state, %eax
    mov %ax, gdt + TASK + 2
    shr $16, %eax
    mov %al, gdt + TASK + 4
    mov %ah, gdt + TASK + 7
    movl $trap_stack_top, task_state + 4
    movl $KERNEL_DATA, task_state + 8
    mov $TASK, %ax
    ltr %ax
    call guest_main
1:  hlt
    jmp 1b

/* probe(access, address, value, user): every access ends in a trap, which returns to the caller. */
probe:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov %esp, probe_frame
    mov 20(%esp), %edx
    mov 24(%esp), %ecx
    mov 28(%esp), %eax
    cmpl $0, 32(%esp)
    jne 1f
    jmp *%edx
1:  push $USER_DATA
    push $user_stack_top
    push $0x2
    push $USER_CODE
    push %edx
    iret

    .globl access_load, access_store, access_fetch
access_load:
    mov (%ecx), %eax
    int $0x80
access_store:
    mov %eax, (%ecx)
    int $0x80
/* What lies there loads eax with a constant and traps. */
access_fetch:
    jmp *%ecx

/* On the stack: vector, error code. */
trap_common:
    mov %eax, trap_eax
    mov %cr2, %eax
    mov %eax, trap_cr2
    pop %eax
    mov %eax, trap_vector
    pop %eax
    mov %eax, trap_error
    mov probe_frame, %esp
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

    .altmacro
    .macro trap number
trap_\number:
    .if (\number == 8) || (\number >= 10 && \number <= 14) || (\number == 17)
    .else
    push $0
    .endif
    push $\number
    jmp trap_common
    .endm
    .macro entry number
    .long trap_\number
    .endm

    .set n, 0
    .rept 32
    trap %n
    .set n, n + 1
    .endr
trap_done:
    push $0
    push $0x100
    jmp trap_common

    .data
    .align 4
trap_entries:
    .set n, 0
    .rept 32
    entry %n
    .set n, n + 1
    .endr
    .long trap_done
    .align 8
gdt:
    .quad 0
    .quad 0x00CF9A000000FFFF /* kernel code */
    .quad 0x00CF92000000FFFF /* kernel data */
    .quad 0x00CFFA000000FFFF /* user code */
    .quad 0x00CFF2000000FFFF /* user data */
    .quad 0x0000890000000067 /* task state */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    .globl boot_directory, slot_table, trap_vector, trap_error, trap_cr2, trap_eax
    .bss
    .align 4096
boot_directory: .skip 4096
slot_table: .skip 4096
task_state: .skip 104
probe_frame: .skip 4
trap_vector: .skip 4
trap_error: .skip 4
trap_cr2: .skip 4
trap_eax: .skip 4
    .align 16
    .skip 4096
stack_top:
    .skip 4096
trap_stack_top:
    .skip 1024
user_stack_top:
    .skip 16

    .section .note.GNU-stack, "", @progbits
