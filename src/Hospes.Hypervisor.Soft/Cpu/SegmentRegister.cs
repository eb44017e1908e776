using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>A segment register with its descriptor cache, 16 bytes (Intel SDM vol. 3, 3.4.3).</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct SegmentRegister
{
    /// <summary>Type (bits 0-3), S (4), DPL (5-6), P (7), AVL (12), L (13), D/B (14), G (15), as in descriptor bytes 5 and 6.</summary>
    public const ushort Accessed = 1, Writable = 2, Readable = 2, ExpandDown = 4, Conforming = 4, Code = 8, CodeOrData = 0x10,
        Present = 0x80, Long = 0x2000, Big = 0x4000, Granular = 0x8000;

    /// <summary>Linear address of the first byte.</summary>
    public ulong Base;

    /// <summary>Last offset, in bytes (granularity applied).</summary>
    public uint Limit;

    /// <summary>The visible selector.</summary>
    public ushort Selector;

    /// <summary>Access rights; 0 when the register holds a null selector (unusable).</summary>
    public ushort Attributes;

    /// <summary>The descriptor's privilege level.</summary>
    public readonly int Dpl => (Attributes >> 5) & 3;

    /// <summary>Whether the register can be used for an access outside 64-bit mode.</summary>
    public readonly bool IsUsable => (Attributes & Present) != 0;
}
