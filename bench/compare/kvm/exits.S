# A guest that says what exits cost: entered through PVH in 32-bit protected mode, it times loops by the time stamp counter, writes
# "exit KIND CYCLES-PER-ROUND" in hexadecimal to the first serial port, and waits for its end. With POWEROFF defined its first instructions end it.

        .equ rounds, 4096
        .equ serial, 0x3F8
        .equ ioapic, 0xFEC00000

        .section .note.Xen, "a", @note
        .long 4, 4, 18                  # the 32-bit entry
        .asciz "Xen"
        .long entry

        .text
        .globl entry
        .code32
entry:
#ifdef POWEROFF
        mov $0x600, %dx                 # ACPI's sleep control register of the PVH machine: S5
        mov $0x34, %al
        out %al, %dx
#endif
        mov $stack, %esp

        rdtsc
        mov %eax, %esi
        mov $rounds, %ecx
1:      out %al, $0x80
        loop 1b
        rdtsc
        mov $port_name, %ebp
        call report

        rdtsc
        mov %eax, %esi
        mov $rounds, %ecx
2:      mov ioapic, %ebx
        loop 2b
        rdtsc
        mov $mmio_name, %ebp
        call report

        mov $end_name, %ebp
        call write
3:      hlt
        jmp 3b

# EAX: the counter's low half now. ESI: before. EBP: the name.
report: sub %esi, %eax
        shr $12, %eax                   # of rounds
        mov %eax, %edi
        call write
        mov $8, %ecx
4:      rol $4, %edi
        mov %edi, %eax
        and $15, %eax
        mov digits(%eax), %al
        call put
        loop 4b
        mov $'\n', %al
        jmp put

write:  mov (%ebp), %al
        inc %ebp
        test %al, %al
        jz 5f
        call put
        jmp write
5:      ret

put:    mov %al, %ah
        mov $(serial + 5), %dx
6:      in %dx, %al
        test $0x20, %al
        jz 6b
        mov %ah, %al
        mov $serial, %dx
        out %al, %dx
        ret

port_name: .asciz "exit port-write "
mmio_name: .asciz "exit mmio-read "
end_name:  .asciz "exit end\n"
digits:    .ascii "0123456789abcdef"
        .bss
        .space 256
stack:
