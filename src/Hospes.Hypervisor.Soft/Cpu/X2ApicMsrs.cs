using Hospes.Hypervisor.Soft.Interrupts;
using static Hospes.Hypervisor.Soft.Interrupts.ApicRegisters;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>The local APIC's registers as MSRs 0x800 to 0x8FF (Intel SDM vol. 3, table 12-6).</summary>
internal static class X2ApicMsrs
{
    public static bool TryRead(LocalApic apic, uint msr, out ulong value)
    {
        value = 0;
        if (!apic.IsX2Apic) return false;
        uint offset = (msr - MsrNumbers.X2ApicFirst) << 4;
        switch (offset)
        {
            case Id or ApicRegisters.Version or TaskPriority or ProcessorPriority or LogicalDestination or Spurious or ErrorStatus
                or (>= InService and < Request + 0x80) or (>= LvtTimer and <= LvtError) or InitialCount or CurrentCount or DivideConfiguration:
                value = apic.Read(offset);
                return true;
            case CommandLow:
                value = apic.Read(CommandLow) | (ulong)apic.CommandHigh << 32;
                return true;
            default:
                return false;
        }
    }

    public static bool TryWrite(LocalApic apic, uint msr, ulong value)
    {
        if (!apic.IsX2Apic) return false;
        uint offset = (msr - MsrNumbers.X2ApicFirst) << 4;
        if (offset == CommandLow)
        {
            apic.WriteCommand(value);
            return true;
        }
        if (value > uint.MaxValue) return false;
        switch (offset)
        {
            case TaskPriority:
                if (value > 0xFF) return false;
                break;
            case Eoi or ErrorStatus:
                if (value != 0) return false;
                break;
            case Spurious:
                if ((value & ~0x1FFUL) != 0) return false;
                break;
            case >= LvtTimer and <= LvtError:
                if ((value & ~0x7F7FFUL) != 0) return false;
                break;
            case InitialCount:
                break;
            case DivideConfiguration:
                if ((value & ~0xBUL) != 0) return false;
                break;
            case SelfIpi:
                if (value > 0xFF) return false;
                apic.Accept((byte)value, level: false);
                return true;
            default:
                return false;
        }
        apic.Write(offset, (uint)value);
        return true;
    }
}
