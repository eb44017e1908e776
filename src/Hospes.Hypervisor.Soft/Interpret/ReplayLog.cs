namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>
/// The device accesses of the running instruction that the machine has already answered. An instruction that touches a device leaves, and
/// is run again from its start with the answers so far; accesses that were made are not made twice. A string instruction counts RCX down as
/// elements complete: answers of another RCX belong to completed elements and are dropped.
/// </summary>
internal sealed class ReplayLog
{
    private ulong[] _values = new ulong[8];
    private ulong _counter;
    private int _next;

    /// <summary>How many answers are kept.</summary>
    public int Count { get; private set; }

    /// <summary>The instruction starts again.</summary>
    public void Rewind() => _next = 0;

    /// <summary>The instruction completed or faulted.</summary>
    public void Clear() => Count = _next = 0;

    /// <summary>The answer for the next access, if it was made before.</summary>
    public bool TryNext(ulong counter, out ulong value)
    {
        value = 0;
        if (Count > 0 && counter != _counter) Clear();
        if (_next >= Count) return false;
        value = _values[_next++];
        return true;
    }

    /// <summary>Notes an answered access.</summary>
    public void Add(ulong counter, ulong value)
    {
        if (counter != _counter) Clear();
        _counter = counter;
        if (Count == _values.Length) Array.Resize(ref _values, Count * 2);
        _values[Count++] = value;
        _next = Count;
    }
}

/// <summary>Leaves an instruction because the machine must answer first. Always the same object.</summary>
internal sealed class DeviceExit : Exception;

/// <summary>Leaves a block because the running instruction is about to write into it. Always the same object.</summary>
internal sealed class BlockRestart : Exception;
