using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>x87, SSE, AVX and PKRU state as a standard-format XSAVE image (Intel SDM vol. 1, 13.4), whatever XCR0 says.</summary>
internal static unsafe class ExtendedArea
{
    private const int HeaderOffset = 512, AvxOffset = 576, PkruOffset = 2688;

    /// <summary>Writes the image.</summary>
    public static void Save(CpuState* s, Span<byte> area)
    {
        area.Clear();
        BitConverter.TryWriteBytes(area, s->Fcw);
        BitConverter.TryWriteBytes(area[2..], s->Fsw);
        area[4] = s->Ftw;
        BitConverter.TryWriteBytes(area[6..], s->Fop);
        BitConverter.TryWriteBytes(area[8..], s->Fip);
        BitConverter.TryWriteBytes(area[16..], s->Fdp);
        BitConverter.TryWriteBytes(area[24..], s->Mxcsr);
        BitConverter.TryWriteBytes(area[28..], 0xFFFF);
        int top = s->Fsw >> 11 & 7;
        for (int i = 0; i < 8; i++) new ReadOnlySpan<byte>(s->X87Registers + ((top + i) & 7) * 16, 10).CopyTo(area[(32 + i * 16)..]);
        for (int i = 0; i < 16; i++)
        {
            new ReadOnlySpan<byte>(CpuState.Vector(s, i), 16).CopyTo(area[(160 + i * 16)..]);
            new ReadOnlySpan<byte>(CpuState.Vector(s, i) + 16, 16).CopyTo(area[(AvxOffset + i * 16)..]);
        }
        BitConverter.TryWriteBytes(area[HeaderOffset..], ControlRegisters.Xcr0Supported);
        BitConverter.TryWriteBytes(area[PkruOffset..], s->Pkru);
    }

    /// <summary>Takes an image over. A component whose bit is clear in the header gets its initial value.</summary>
    public static void Load(CpuState* s, ReadOnlySpan<byte> area)
    {
        ulong present = BitConverter.ToUInt64(area[HeaderOffset..]);
        bool x87 = (present & ControlRegisters.Xcr0X87) != 0, sse = (present & ControlRegisters.Xcr0Sse) != 0, avx = (present & ControlRegisters.Xcr0Avx) != 0;
        s->Fcw = x87 ? BitConverter.ToUInt16(area) : (ushort)0x37F;
        s->Fsw = x87 ? BitConverter.ToUInt16(area[2..]) : (ushort)0;
        s->Ftw = x87 ? area[4] : (byte)0;
        s->Fop = x87 ? (ushort)(BitConverter.ToUInt16(area[6..]) & 0x7FF) : (ushort)0;
        s->Fip = x87 ? BitConverter.ToUInt64(area[8..]) : 0;
        s->Fdp = x87 ? BitConverter.ToUInt64(area[16..]) : 0;
        s->Mxcsr = sse || avx ? BitConverter.ToUInt32(area[24..]) & 0xFFFF : 0x1F80;
        int top = s->Fsw >> 11 & 7;
        for (int i = 0; i < 8; i++)
        {
            var register = new Span<byte>(s->X87Registers + ((top + i) & 7) * 16, 16);
            register.Clear();
            if (x87) area.Slice(32 + i * 16, 10).CopyTo(register);
        }
        for (int i = 0; i < 16; i++)
        {
            var vector = new Span<byte>(CpuState.Vector(s, i), 32);
            vector.Clear();
            if (sse) area.Slice(160 + i * 16, 16).CopyTo(vector);
            if (avx) area.Slice(AvxOffset + i * 16, 16).CopyTo(vector[16..]);
        }
        s->Pkru = (present & ControlRegisters.Xcr0Pkru) != 0 ? BitConverter.ToUInt32(area[PkruOffset..]) : 0;
    }
}
