using System.Buffers.Binary;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Dump;

/// <summary>A stretch of guest memory that goes into a dump.</summary>
/// <param name="Address">Its guest-physical address.</param>
/// <param name="Size">Its bytes.</param>
internal readonly record struct DumpRange(ulong Address, ulong Size);

/// <summary>
/// The head of a core file of a machine: ELF-64 (System V ABI, chapters 4 and 5) with a note of registers for each processor and a segment for each stretch of memory, the physical address of which counts.
/// What debuggers of kernels read.
/// </summary>
internal static class ElfCore
{
    private const int Page = (int)GuestMemory.PageSize, HeaderSize = 64, SegmentSize = 56;

    /// <summary>ET_CORE, EM_X86_64, EV_CURRENT, PT_LOAD, PT_NOTE.</summary>
    private const ushort Core = 4, X64 = 62;
    private const uint Current = 1, Load = 1, Note = 4;

    /// <summary>NT_PRSTATUS, and the size of what it carries on x86-64 (Linux, include/linux/elfcore.h); where the process's number and its registers are in it.</summary>
    private const uint ProcessStatus = 1;
    private const int StatusSize = 336, ProcessAt = 32, RegistersAt = 112;

    /// <summary>QEMU's own note (target/i386/arch_dump.c): version 1, all registers that address translation needs.</summary>
    private const int QemuSize = 440, QemuVersion = 1;

    /// <summary>MSR: the register that SWAPGS exchanges with the base of GS (Intel SDM vol. 4).</summary>
    private const uint KernelGsBase = 0xC0000102;

    /// <summary>General registers by number (<see cref="VcpuState.Rax"/> and so on) in the order of <c>struct user_regs_struct</c>: r15 to r8 with rbp, rbx among them, then rax, rcx, rdx, rsi, rdi.</summary>
    private static readonly int[] s_order = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7];

    /// <summary>The head.</summary>
    /// <param name="processors">The states of the processors.</param>
    /// <param name="ranges">The stretches of memory, whose bytes follow in this order.</param>
    public static byte[] Head(IReadOnlyList<VcpuState> processors, IReadOnlyList<DumpRange> ranges)
    {
        byte[] notes = Notes(processors);
        int notesAt = HeaderSize + (SegmentSize * (1 + ranges.Count));
        // Memory begins at a page of the file, so that pages of zeros can be holes.
        byte[] head = new byte[(notesAt + notes.Length + Page - 1) / Page * Page];
        Span<byte> at = head;
        "\u007fELF"u8.CopyTo(at);
        // 64 bits, the lowest byte first, the present version.
        at[4] = 2;
        at[5] = 1;
        at[6] = (byte)Current;
        BinaryPrimitives.WriteUInt16LittleEndian(at[16..], Core);
        BinaryPrimitives.WriteUInt16LittleEndian(at[18..], X64);
        BinaryPrimitives.WriteUInt32LittleEndian(at[20..], Current);
        BinaryPrimitives.WriteUInt64LittleEndian(at[32..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(at[52..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(at[54..], SegmentSize);
        BinaryPrimitives.WriteUInt16LittleEndian(at[56..], (ushort)(1 + ranges.Count));
        Segment(at[HeaderSize..], Note, (ulong)notesAt, 0, (ulong)notes.Length);
        ulong offset = (ulong)head.Length;
        for (int i = 0; i < ranges.Count; i++)
        {
            Segment(at[(HeaderSize + (SegmentSize * (1 + i)))..], Load, offset, ranges[i].Address, ranges[i].Size);
            offset += ranges[i].Size;
        }
        notes.CopyTo(at[notesAt..]);
        return head;
    }

    private static void Segment(Span<byte> at, uint type, ulong offset, ulong address, ulong size)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, type);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(at[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(at[32..], size);
        BinaryPrimitives.WriteUInt64LittleEndian(at[40..], size);
    }

    private static byte[] Notes(IReadOnlyList<VcpuState> processors)
    {
        using var notes = new MemoryStream();
        for (int i = 0; i < processors.Count; i++) Add(notes, "CORE", ProcessStatus, Status(processors[i], i));
        foreach (VcpuState state in processors) Add(notes, "QEMU", 0, Qemu(state));
        return notes.ToArray();
    }

    /// <summary>A note: the lengths of its name and of what it carries, its type, both parts filled up to four bytes.</summary>
    private static void Add(MemoryStream notes, string name, uint type, ReadOnlySpan<byte> carried)
    {
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(head, name.Length + 1);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], carried.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], type);
        notes.Write(head);
        Span<byte> padded = stackalloc byte[(name.Length + 1 + 3) & ~3];
        padded.Clear();
        Encoding.ASCII.GetBytes(name, padded);
        notes.Write(padded);
        notes.Write(carried);
    }

    private static byte[] Status(VcpuState state, int index)
    {
        byte[] status = new byte[StatusSize];
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(ProcessAt), index + 1);
        Span<byte> registers = status.AsSpan(RegistersAt);
        int at = 0;
        foreach (int register in s_order) Put(registers, ref at, state.General[register]);
        // There is no system call to restart: orig_rax is what it is outside of one.
        Put(registers, ref at, ulong.MaxValue);
        Put(registers, ref at, state.Rip);
        Put(registers, ref at, state.Segments[1].Selector);
        Put(registers, ref at, state.Rflags);
        Put(registers, ref at, state.General[VcpuState.Rsp]);
        Put(registers, ref at, state.Segments[2].Selector);
        Put(registers, ref at, state.Segments[4].Base);
        Put(registers, ref at, state.Segments[5].Base);
        foreach (int segment in (ReadOnlySpan<int>)[3, 0, 4, 5]) Put(registers, ref at, state.Segments[segment].Selector);
        return status;
    }

    private static byte[] Qemu(VcpuState state)
    {
        byte[] carried = new byte[QemuSize];
        BinaryPrimitives.WriteInt32LittleEndian(carried, QemuVersion);
        BinaryPrimitives.WriteInt32LittleEndian(carried.AsSpan(4), QemuSize);
        int at = 8;
        // rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8 to r15.
        foreach (int register in (ReadOnlySpan<int>)[0, 3, 1, 2, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]) Put(carried, ref at, state.General[register]);
        Put(carried, ref at, state.Rip);
        Put(carried, ref at, state.Rflags);
        foreach (int segment in (ReadOnlySpan<int>)[1, 3, 0, 4, 5, 2]) Put(carried, ref at, state.Segments[segment]);
        Put(carried, ref at, state.Ldtr);
        Put(carried, ref at, state.Tr);
        Put(carried, ref at, new SegmentState { Limit = state.GdtLimit, Base = state.GdtBase });
        Put(carried, ref at, new SegmentState { Limit = state.IdtLimit, Base = state.IdtBase });
        foreach (ulong control in (ReadOnlySpan<ulong>)[state.Cr0, 0, state.Cr2, state.Cr3, state.Cr4]) Put(carried, ref at, control);
        Put(carried, ref at, state.Msrs.GetValueOrDefault(KernelGsBase));
        return carried;
    }

    private static void Put(Span<byte> to, ref int at, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to[at..], value);
        at += sizeof(ulong);
    }

    /// <summary>A segment register as QEMU has it: selector, limit, attributes, nothing, base.</summary>
    private static void Put(Span<byte> to, ref int at, in SegmentState segment)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to[at..], segment.Selector);
        BinaryPrimitives.WriteUInt32LittleEndian(to[(at + 4)..], segment.Limit);
        BinaryPrimitives.WriteUInt32LittleEndian(to[(at + 8)..], segment.Attributes);
        BinaryPrimitives.WriteUInt64LittleEndian(to[(at + 16)..], segment.Base);
        at += 24;
    }
}
