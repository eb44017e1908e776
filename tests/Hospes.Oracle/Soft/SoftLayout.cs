using System.Buffers.Binary;
using Hospes.Oracle.Native;

namespace Hospes.Oracle.Soft;

/// <summary>
/// The guest around a case: a kernel of a few tables and stubs in the upper half, and the case's pages at the addresses
/// that they have natively, with the rights that they have there. Selectors and control bits are Linux'.
/// </summary>
internal static class SoftLayout
{
    public const ulong MemorySize = 0x100000;

    // Guest-physical addresses.
    public const ulong Gdt = 0x1000, Idt = 0x2000, Tss = 0x3000, Stubs = 0x4000, Stack = 0x5000, Tables = 0x10000,
        Code = 0x40000, Window = 0x50000, ReadOnly = Window + SharedLayout.WindowSize;

    /// <summary>Where the kernel's pages are seen.</summary>
    public const ulong KernelBase = 0xFFFF_9000_0000_0000;

    public const ulong StackTop = Stack + 0x1000;

    /// <summary>The instruction that enters a case.</summary>
    public const ulong Enter = Stubs + 0xF00;

    public const ushort KernelCode = 0x10, UserStack = 0x2B, UserCode = 0x33, Task = 0x40;
    public const ushort GdtLimit = 0x4F, IdtLimit = 0xFFF, TssLimit = 0x67;

    /// <summary>PE, MP, ET, NE, WP, AM, PG (SDM volume 3, 2.5).</summary>
    public const ulong Cr0 = 0x8005_0033;

    /// <summary>PAE, PGE, OSFXSR, OSXMMEXCPT, FSGSBASE, OSXSAVE.</summary>
    public const ulong Cr4 = 0x0005_06A0;

    /// <summary>SCE, LME, LMA, NXE.</summary>
    public const ulong Efer = 0xD01;

    public const ulong Xcr0 = 7;

    // Page table bits (SDM volume 3, table 4-20); accessed and dirty are set from the start, as natively they would be.
    private const ulong Present = 1, Writable = 2, User = 4, AccessedDirty = 0x60, NoExecute = 1UL << 63;

    /// <summary>Writes tables and stubs.</summary>
    public static void Build(Hypervisor.GuestMemory memory)
    {
        BuildPageTables(memory);
        BuildDescriptors(memory);
        Span<byte> stub = stackalloc byte[4];
        for (var vector = 0; vector < 256; vector++)
        {
            // OUT imm8, AL; HLT. Every vector leaves the processor by the port of its own number.
            stub[0] = 0xE6;
            stub[1] = (byte)vector;
            stub[2] = 0xF4;
            stub[3] = 0xF4;
            Write(memory, Stubs + ((ulong)vector * 4), stub);
        }

        Write(memory, Enter, [0x48, 0xCF] /* IRETQ */);
        var filler = new byte[SharedLayout.CodeSize];
        filler.AsSpan().Fill(SharedLayout.Filler);
        Write(memory, Code, filler);
    }

    public static void Write(Hypervisor.GuestMemory memory, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!memory.TryWrite(address, bytes))
        {
            throw new InvalidOperationException($"no guest memory at {address:x}");
        }
    }

    private static void BuildPageTables(Hypervisor.GuestMemory memory)
    {
        var next = Tables + 0x1000;
        for (ulong page = 0; page < 0x10000; page += 0x1000)
        {
            Map(memory, ref next, KernelBase + page, page, Present | Writable | AccessedDirty);
        }

        for (ulong page = 0; page < SharedLayout.CodeSize; page += 0x1000)
        {
            Map(memory, ref next, SharedLayout.CodeBase + page, Code + page, Present | User | AccessedDirty);
        }

        for (ulong page = 0; page < SharedLayout.WindowSize; page += 0x1000)
        {
            Map(memory, ref next, SharedLayout.WindowBase + page, Window + page, Present | User | Writable | NoExecute | AccessedDirty);
        }

        Map(memory, ref next, SharedLayout.ReadOnlyBase, ReadOnly, Present | User | NoExecute | AccessedDirty);
    }

    private static void Map(Hypervisor.GuestMemory memory, ref ulong next, ulong linear, ulong physical, ulong bits)
    {
        var table = Tables;
        for (var shift = 39; shift > 12; shift -= 9)
        {
            var entryAt = table + (((linear >> shift) & 511) * 8);
            memory.TryRead(entryAt, out ulong entry);
            if (entry == 0)
            {
                entry = next | Present | User | Writable | AccessedDirty;
                next += 0x1000;
                memory.TryWrite(entryAt, entry);
            }

            table = entry & ~0xFFFUL;
        }

        memory.TryWrite(table + (((linear >> 12) & 511) * 8), physical | bits);
    }

    private static void BuildDescriptors(Hypervisor.GuestMemory memory)
    {
        memory.TryWrite(Gdt + KernelCode, 0x00AF_9B00_0000_FFFFUL);
        memory.TryWrite(Gdt + 0x18, 0x00CF_9300_0000_FFFFUL);
        memory.TryWrite(Gdt + 0x20, 0x00CF_FB00_0000_FFFFUL);
        memory.TryWrite(Gdt + 0x28, 0x00CF_F300_0000_FFFFUL);
        memory.TryWrite(Gdt + 0x30, 0x00AF_FB00_0000_FFFFUL);
        const ulong tss = KernelBase + Tss;
        memory.TryWrite(Gdt + Task, TssLimit | ((tss & 0xFF_FFFF) << 16) | (0x8BUL << 40) | ((tss >> 24 & 0xFF) << 56));
        memory.TryWrite(Gdt + Task + 8, tss >> 32);

        // RSP0 (SDM volume 3, figure 8-11); the map of ports lies behind the limit, so that user mode may use none.
        memory.TryWrite(Tss + 4, KernelBase + StackTop);
        memory.TryWrite(Tss + 0x66, (ushort)(TssLimit + 1));

        Span<byte> gate = stackalloc byte[16];
        for (var vector = 0; vector < 256; vector++)
        {
            const ushort interruptGate = 0x8E00, userLevel = 0x6000;
            var handler = KernelBase + Stubs + ((ulong)vector * 4);
            gate.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(gate, (ushort)handler);
            BinaryPrimitives.WriteUInt16LittleEndian(gate[2..], KernelCode);
            BinaryPrimitives.WriteUInt16LittleEndian(gate[4..], (ushort)(interruptGate | (vector is 3 or 4 ? userLevel : 0)));
            BinaryPrimitives.WriteUInt16LittleEndian(gate[6..], (ushort)(handler >> 16));
            BinaryPrimitives.WriteUInt32LittleEndian(gate[8..], (uint)(handler >> 32));
            Write(memory, Idt + ((ulong)vector * 16), gate);
        }
    }
}
