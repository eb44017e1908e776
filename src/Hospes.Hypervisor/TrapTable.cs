namespace Hospes.Hypervisor;

/// <summary>
/// The traps of one guest: one tree for guest-physical addresses, one for I/O ports. Traps are added and never removed, as
/// Zircon has it; look-ups are wait-free and may run beside an addition.
/// </summary>
public sealed class TrapTable
{
    private readonly Lock _gate = new();
    private Trap[] _memory = [];
    private Trap[] _ports = [];

    /// <summary>The memory and bell traps in order of address.</summary>
    public ReadOnlySpan<Trap> Memory => Volatile.Read(ref _memory);

    /// <summary>Finds the memory or bell trap that covers an address.</summary>
    /// <param name="address">A guest-physical address.</param>
    public Trap? FindMemory(ulong address) => Find(Volatile.Read(ref _memory), address);

    /// <summary>Finds the trap that covers a port.</summary>
    /// <param name="port">The port's number.</param>
    public Trap? FindPort(ushort port) => Find(Volatile.Read(ref _ports), port);

    /// <summary>Whether a memory or bell trap lies in a range of addresses.</summary>
    /// <param name="address">The first address.</param>
    /// <param name="size">How many bytes.</param>
    public bool AnyMemory(ulong address, ulong size)
    {
        foreach (Trap trap in Volatile.Read(ref _memory))
        {
            if (trap.Address < address + size && address < trap.End) return true;
        }
        return false;
    }

    internal Status Add(Trap trap)
    {
        lock (_gate)
        {
            ref Trap[] traps = ref (trap.Kind == TrapKind.Io ? ref _ports : ref _memory);
            int at = 0;
            while (at < traps.Length && traps[at].Address < trap.Address) at++;
            if (at > 0 && traps[at - 1].End > trap.Address) return Status.AlreadyExists;
            if (at < traps.Length && traps[at].Address < trap.End) return Status.AlreadyExists;
            var grown = new Trap[traps.Length + 1];
            Array.Copy(traps, grown, at);
            grown[at] = trap;
            Array.Copy(traps, at, grown, at + 1, traps.Length - at);
            Volatile.Write(ref traps, grown);
            return Status.Ok;
        }
    }

    private static Trap? Find(Trap[] traps, ulong address)
    {
        int low = 0, high = traps.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            Trap trap = traps[middle];
            if (address < trap.Address) high = middle - 1;
            else if (address >= trap.End) low = middle + 1;
            else return trap;
        }
        return null;
    }
}
