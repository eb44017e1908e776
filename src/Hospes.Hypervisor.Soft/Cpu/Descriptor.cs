namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>An 8-byte descriptor of the GDT or LDT, or the first half of a 16-byte one (Intel SDM vol. 3, 3.4.5, 3.5, 7.2.3).</summary>
internal readonly struct Descriptor(ulong raw)
{
    /// <summary>System descriptor types.</summary>
    public const int Tss16 = 1, Ldt = 2, Tss16Busy = 3, CallGate16 = 4, TaskGate = 5, InterruptGate16 = 6, TrapGate16 = 7, Tss32 = 9, Tss32Busy = 11,
        CallGate32 = 12, InterruptGate32 = 14, TrapGate32 = 15;

    public ulong Raw => raw;

    /// <summary>Bytes 5 and 6 as <see cref="SegmentRegister.Attributes"/> has them.</summary>
    public ushort Attributes => (ushort)((raw >> 40) & 0xF0FF);

    public bool IsSegment => (raw >> 44 & 1) != 0;

    public bool IsCode => IsSegment && (raw >> 43 & 1) != 0;

    public bool IsConforming => (raw >> 42 & 1) != 0;

    /// <summary>Writable for data, readable for code.</summary>
    public bool IsWritableOrReadable => (raw >> 41 & 1) != 0;

    public int Type => (int)(raw >> 40) & 15;

    public int Dpl => (int)(raw >> 45) & 3;

    public bool IsPresent => (raw >> 47 & 1) != 0;

    public bool IsLong => (raw >> 53 & 1) != 0;

    public bool IsBig => (raw >> 54 & 1) != 0;

    public uint Base => (uint)(raw >> 16 & 0xFFFFFF) | (uint)(raw >> 56) << 24;

    public uint Limit
    {
        get
        {
            uint limit = (uint)(raw & 0xFFFF) | (uint)(raw >> 48 & 0xF) << 16;
            return (raw >> 55 & 1) != 0 ? limit << 12 | 0xFFF : limit;
        }
    }

    /// <summary>A gate's target selector.</summary>
    public ushort GateSelector => (ushort)(raw >> 16);

    /// <summary>A gate's target offset, low 32 bits.</summary>
    public uint GateOffset => (uint)(raw & 0xFFFF) | (uint)(raw >> 48) << 16;

    /// <summary>The register contents that loading the descriptor gives.</summary>
    public SegmentRegister ToRegister(ushort selector) => new() { Selector = selector, Attributes = Attributes, Limit = Limit, Base = Base };
}
