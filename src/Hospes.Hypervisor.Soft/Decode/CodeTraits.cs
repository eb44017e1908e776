using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>Which registers an instruction needs the system to have switched on.</summary>
internal enum UnitNeeded : byte
{
    None,
    X87,
    Mmx,
    Sse,
    Avx,
    Wait,
}

/// <summary>What the decoder must know of an Iced code beyond its handler. Computed on first use and kept.</summary>
internal sealed class CodeTraits
{
    private readonly Entry[] _entries = new Entry[8192];
    private readonly Func<CpuidFeature, bool> _offers;

    /// <param name="offers">Whether the CPU model offers a feature.</param>
    public CodeTraits(Func<CpuidFeature, bool> offers) => _offers = offers;

    public Entry this[Code code]
    {
        get
        {
            ref Entry entry = ref _entries[(int)code];
            if (!entry.Known) entry = Compute(code);
            return entry;
        }
    }

    private Entry Compute(Code code)
    {
        bool offered = true;
        UnitNeeded unit = UnitNeeded.None;
        foreach (CpuidFeature feature in code.CpuidFeatures())
        {
            offered &= _offers(feature);
            unit = (UnitNeeded)Math.Max((byte)unit, (byte)UnitOf(feature));
        }
        if (code.Mnemonic() == Mnemonic.Fisttp) unit = UnitNeeded.X87;
        if (code is Code.Wait) unit = UnitNeeded.Wait;
        OpCodeInfo info = code.ToOpCode();
        if (info.Encoding == EncodingKind.VEX && unit is UnitNeeded.Sse or UnitNeeded.Mmx) unit = UnitNeeded.Avx;
        if (info.Encoding == EncodingKind.Legacy && unit == UnitNeeded.Avx) unit = UnitNeeded.Sse;
        if (IsGeneralPurpose(code, info)) unit = UnitNeeded.None;
        return new Entry
        {
            Known = true,
            IsOffered = offered,
            Unit = unit,
            OperandSize = (byte)(info.OperandSize / 8),
        };
    }

    /// <summary>Instructions of vector features that touch no vector register: BMI, POPCNT, CRC32, stores of MXCSR aside.</summary>
    private static bool IsGeneralPurpose(Code code, OpCodeInfo info)
    {
        // VEX-encoded general-purpose instructions (BMI1, BMI2) work whatever XCR0 says.
        string name = code.Mnemonic().ToString();
        return code.Mnemonic() is Mnemonic.Crc32 or Mnemonic.Popcnt or Mnemonic.Sfence or Mnemonic.Lfence or Mnemonic.Mfence or Mnemonic.Pause
            or Mnemonic.Clflush or Mnemonic.Movnti or Mnemonic.Monitor or Mnemonic.Mwait
            || name.StartsWith("Prefetch", StringComparison.Ordinal)
            || (info.Encoding == EncodingKind.VEX && code.Mnemonic() is Mnemonic.Andn or Mnemonic.Bextr or Mnemonic.Blsi or Mnemonic.Blsmsk
                or Mnemonic.Blsr or Mnemonic.Bzhi or Mnemonic.Mulx or Mnemonic.Pdep or Mnemonic.Pext or Mnemonic.Rorx or Mnemonic.Sarx
                or Mnemonic.Shlx or Mnemonic.Shrx);
    }

    private static UnitNeeded UnitOf(CpuidFeature feature) => feature switch
    {
        CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387 => UnitNeeded.X87,
        CpuidFeature.MMX => UnitNeeded.Mmx,
        CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3 or CpuidFeature.SSSE3 or CpuidFeature.SSE4_1 or CpuidFeature.SSE4_2
            or CpuidFeature.AES or CpuidFeature.PCLMULQDQ or CpuidFeature.SHA => UnitNeeded.Sse,
        CpuidFeature.AVX or CpuidFeature.AVX2 or CpuidFeature.FMA or CpuidFeature.F16C => UnitNeeded.Avx,
        _ => UnitNeeded.None,
    };

    internal struct Entry
    {
        public bool Known, IsOffered;
        public UnitNeeded Unit;
        public byte OperandSize;
    }
}
