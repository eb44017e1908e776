using static Hospes.Hypervisor.Soft.Interrupts.ApicRegisters;

namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>Finds the local APICs that a message or an interprocessor interrupt is for, and hands it to them.</summary>
internal static class InterruptRouter
{
    /// <summary>A message-signalled interrupt (Intel SDM vol. 3, 12.11). Answers whether some APIC accepted it.</summary>
    public static bool Message(ReadOnlySpan<SoftVcpu> vcpus, ulong address, uint data)
    {
        if ((address & ~0xFFFFFUL) != DefaultBase) return false;
        uint destination = (uint)(address >> 12) & 0xFF;
        bool logical = (address & 4) != 0;
        uint mode = data >> 8 & 7;
        // The redirection hint with a fixed message asks for one of the destinations, as lowest priority does.
        if ((address & 8) != 0 && logical && mode == ModeFixed) mode = ModeLowestPriority;
        return Deliver(vcpus, destination, logical, wide: false, mode, (byte)data, level: (data & 1 << 15) != 0, null, 0);
    }

    /// <summary>An interprocessor interrupt from the interrupt command register (12.6.1).</summary>
    public static void Command(SoftVcpu source, uint low, uint destination)
    {
        uint mode = low >> 8 & 7;
        byte vector = (byte)low;
        if (mode is ModeFixed or ModeLowestPriority && vector < 16)
        {
            source.Apic.NoteSendError();
            return;
        }
        // INIT level de-assert: nothing since the Pentium 4.
        if (mode == ModeInit && (low & 1 << 14) == 0 && (low & 1 << 15) != 0) return;
        bool wide = source.Apic.IsX2Apic;
        uint shorthand = low >> 18 & 3;
        Deliver(source.Guest.Vcpus, destination, (low & 1 << 11) != 0, wide, mode, vector, level: false, source, shorthand);
    }

    /// <summary>The "send IPI" hypercall: bit n of the map is the processor with APIC id <paramref name="first"/> + n. Answers how many accepted it.</summary>
    public static int Broadcast(SoftVcpu source, ulong mapLow, ulong mapHigh, uint first, uint command)
    {
        int accepted = 0;
        foreach (SoftVcpu vcpu in source.Guest.Vcpus)
        {
            uint bit = (uint)vcpu.Id - first;
            bool meant = bit < 64 ? (mapLow >> (int)bit & 1) != 0 : bit < 128 && (mapHigh >> (int)(bit - 64) & 1) != 0;
            if (meant && Hand(vcpu, command >> 8 & 7, (byte)command, level: false)) accepted++;
        }
        return accepted;
    }

    private static bool Deliver(ReadOnlySpan<SoftVcpu> vcpus, uint destination, bool logical, bool wide, uint mode, byte vector, bool level, SoftVcpu? source, uint shorthand)
    {
        bool accepted = false;
        foreach (SoftVcpu vcpu in vcpus)
        {
            bool meant = shorthand switch
            {
                1 => vcpu == source,
                2 => true,
                3 => vcpu != source,
                _ => vcpu.Apic.Matches(destination, logical, wide),
            };
            if (!meant) continue;
            accepted |= Hand(vcpu, mode, vector, level);
            if (mode == ModeLowestPriority && accepted) break;
        }
        return accepted;
    }

    private static bool Hand(SoftVcpu vcpu, uint mode, byte vector, bool level)
    {
        switch (mode)
        {
            case ModeFixed or ModeLowestPriority:
                return vcpu.Apic.Accept(vector, level);
            case ModeNmi:
                vcpu.InterruptNonMaskable();
                return true;
            case ModeInit:
                vcpu.PostInit();
                return true;
            case ModeStartUp:
                vcpu.PostSipi(vector);
                return true;
            default:
                return false;
        }
    }
}
