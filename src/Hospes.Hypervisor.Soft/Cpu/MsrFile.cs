using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;
using static Hospes.Hypervisor.Soft.Cpu.MsrNumbers;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>
/// The model-specific registers. What instructions use directly lies in <see cref="CpuState"/>; the rest here. An access that a processor
/// refuses with #GP answers false.
/// </summary>
internal sealed unsafe class MsrFile
{
    /// <summary>RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO,
    /// GDS_NO, RFDS_NO: nothing is speculated here.</summary>
    private const ulong ArchCapabilitiesValue = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 | 1 << 14 | 1 << 15 | 1 << 20 | 1 << 24 | 1 << 26 | 1 << 27;

    /// <summary>Eight variable ranges, fixed ranges, write combining.</summary>
    private const ulong MtrrCapValue = 8 | 1 << 8 | 1 << 10;

    /// <summary>The power-on value of IA32_PAT: WB, WT, UC-, UC, twice.</summary>
    private const ulong PatDefault = 0x0007040600070406;

    private readonly SoftVcpu _vcpu;
    private readonly CpuState* _s;
    private readonly CpuModel _model;
    private readonly Dictionary<uint, ulong> _plain = [];
    private ulong _tscOffset, _tscAdjust;

    public MsrFile(SoftVcpu vcpu, CpuModel model)
    {
        _vcpu = vcpu;
        _s = vcpu.State;
        _model = model;
    }

    /// <summary>The time stamp counter as the guest sees it.</summary>
    public ulong TimeStamp
    {
        get => _vcpu.Guest.Clock.Tsc + _tscOffset;
        set => _tscOffset = value - _vcpu.Guest.Clock.Tsc;
    }

    /// <summary>Power-on values.</summary>
    public void Reset()
    {
        _plain.Clear();
        _plain[MiscEnable] = 1 | 1 << 11;
        _plain[Pat] = PatDefault;
        // No firmware runs before the guest: memory is write-back by default, as firmware would leave it.
        _plain[MtrrDefType] = 0x806;
        foreach (uint msr in (ReadOnlySpan<uint>)[SpecCtrl, McgStatus, DebugCtl, MtrrFix64K, MtrrFix16K80000, MtrrFix16KA0000]) _plain[msr] = 0;
        for (uint msr = MtrrPhysBase0; msr <= MtrrPhysLast; msr++) _plain[msr] = 0;
        for (uint msr = MtrrFix4KFirst; msr <= MtrrFix4KLast; msr++) _plain[msr] = 0;
    }

    /// <summary>The registers that have no other home, for reading and writing the whole state.</summary>
    public IReadOnlyDictionary<uint, ulong> Plain => _plain;

    /// <summary>Reads a register.</summary>
    public bool TryRead(uint msr, out ulong value)
    {
        switch (msr)
        {
            case Tsc: value = TimeStamp; return true;
            case ApicBase: value = _vcpu.Apic.Base; return true;
            case FeatureControl: value = 1; return true;
            case TscAdjust: value = _tscAdjust; return true;
            case BiosSignature: value = 0; return true;
            case PlatformInfo: value = (ulong)(_model.TscHz / 100_000_000) << 8; return true;
            case MtrrCap: value = MtrrCapValue; return true;
            case ArchCapabilities: value = ArchCapabilitiesValue; return true;
            case SysenterCs: value = _s->SysenterCs; return true;
            case SysenterEsp: value = _s->SysenterEsp; return true;
            case SysenterEip: value = _s->SysenterEip; return true;
            case McgCap: value = 0; return true;
            case TscDeadline when _model.Has("tsc-deadline"):
                ulong deadline = _vcpu.Apic.Timer.Deadline;
                value = deadline == 0 ? 0 : deadline + _tscOffset;
                return true;
            case Xss: value = _s->Xss; return true;
            case Efer: value = _s->Efer; return true;
            case Star: value = _s->Star; return true;
            case Lstar: value = _s->Lstar; return true;
            case Cstar: value = _s->Cstar; return true;
            case Fmask: value = _s->Fmask; return true;
            case FsBase: value = _s->Fs.Base; return true;
            case GsBase: value = _s->Gs.Base; return true;
            case KernelGsBase: value = _s->KernelGsBase; return true;
            case TscAux: value = _s->TscAux; return true;
            case >= X2ApicFirst and <= X2ApicLast: return X2ApicMsrs.TryRead(_vcpu.Apic, msr, out value);
            default: return _plain.TryGetValue(msr, out value);
        }
    }

    /// <summary>Writes a register.</summary>
    public bool TryWrite(uint msr, ulong value)
    {
        switch (msr)
        {
            case Tsc:
                _tscAdjust += value - TimeStamp;
                TimeStamp = value;
                return true;
            case TscAdjust:
                _tscOffset += value - _tscAdjust;
                _tscAdjust = value;
                return true;
            case ApicBase: return _vcpu.Apic.TrySetBase(value);
            case PredCmd: return (value & ~1UL) == 0;
            case SpecCtrl:
                if ((value & ~7UL) != 0) return false;
                break;
            case BiosSignature: return true;
            case SysenterCs: _s->SysenterCs = (uint)value; return true;
            case SysenterEsp: return Canonical(value, ref _s->SysenterEsp);
            case SysenterEip: return Canonical(value, ref _s->SysenterEip);
            case McgStatus:
                if (value != 0) return false;
                break;
            case Pat:
                if (!IsPat(value)) return false;
                break;
            case MtrrDefType:
                if ((value & ~0xCFFUL) != 0 || !IsMemoryType((byte)value)) return false;
                break;
            case DebugCtl:
                // LBR and BTF are taken and do nothing; the rest does not exist.
                if ((value & ~3UL) != 0) return false;
                break;
            case TscDeadline when _model.Has("tsc-deadline"):
                _vcpu.Apic.Timer.Deadline = value == 0 ? 0 : Math.Max(1, value - _tscOffset);
                return true;
            case Xss: return value == 0;
            case Efer: return ControlWrites.TryEfer(_vcpu, value);
            case Star: _s->Star = value; return true;
            case Lstar: return Canonical(value, ref _s->Lstar);
            case Cstar: return Canonical(value, ref _s->Cstar);
            case Fmask: _s->Fmask = (uint)value; return true;
            case FsBase: return Canonical(value, ref _s->Fs.Base);
            case GsBase: return Canonical(value, ref _s->Gs.Base);
            case KernelGsBase: return Canonical(value, ref _s->KernelGsBase);
            case TscAux:
                _s->TscAux = (uint)value;
                return value <= uint.MaxValue;
            case >= X2ApicFirst and <= X2ApicLast: return X2ApicMsrs.TryWrite(_vcpu.Apic, msr, value);
        }
        if (!_plain.ContainsKey(msr)) return false;
        _plain[msr] = value;
        return true;
    }

    private static bool Canonical(ulong value, ref ulong register)
    {
        if (!Addresses.IsCanonical(value)) return false;
        register = value;
        return true;
    }

    private static bool IsPat(ulong value)
    {
        for (int i = 0; i < 64; i += 8)
        {
            byte type = (byte)(value >> i);
            if (!IsMemoryType(type) && type != 7) return false;
        }
        return true;
    }

    private static bool IsMemoryType(byte type) => type is 0 or 1 or 4 or 5 or 6;
}

/// <summary>Linear addresses of 48 bits.</summary>
internal static class Addresses
{
    /// <summary>Whether bits 63 to 47 are equal.</summary>
    public static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;
}
