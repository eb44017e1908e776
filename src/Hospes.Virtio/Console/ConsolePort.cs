namespace Hospes.Virtio;

/// <summary>Where the bytes go that a guest writes to a port of its console. Called on the device's worker thread only; it may block, and the
/// guest's buffers wait then. It does not throw.</summary>
public interface IConsoleBackend
{
    /// <summary>Takes bytes.</summary>
    /// <param name="bytes">What the guest wrote; valid during the call.</param>
    void Write(ReadOnlySpan<byte> bytes);
}

/// <summary>
/// One port of a console device (virtio 1.2, 5.3): a console such as <c>hvc0</c>, or a named channel (<c>/dev/virtio-ports/NAME</c>). What is
/// offered waits here until the guest has buffers for it. Thread-safe.
/// </summary>
/// <param name="backend">Where output goes.</param>
/// <param name="name">Its name; null for none.</param>
/// <param name="isConsole">Whether it is a console; null when only one without a name is.</param>
public sealed class ConsolePort(IConsoleBackend backend, string? name = null, bool? isConsole = null)
{
    /// <summary>How many bytes of input wait at most.</summary>
    public const int Capacity = 4096;

    private readonly Lock _gate = new();
    private readonly byte[] _waiting = new byte[Capacity];
    private int _count;
    private bool _refused;

    /// <summary>Its name; null for none.</summary>
    public string? Name => name;

    /// <summary>Whether it is a console; else a channel.</summary>
    public bool IsConsole => isConsole ?? name is null;

    /// <summary>Whether the guest has the port open. Consoles are never closed.</summary>
    public bool IsOpen { get; internal set; }

    /// <summary>Called when there is room again after <see cref="Offer"/> took less than it was given; on the device's worker thread.</summary>
    public Action? InputWanted { get; set; }

    internal IConsoleBackend Backend => backend;

    /// <summary>Has the device look for input. Set by the device.</summary>
    internal Action? InputCame { get; set; }

    internal bool HasInput
    {
        get
        {
            lock (_gate) return _count > 0;
        }
    }

    /// <summary>Types bytes into the port.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>How many were taken; <see cref="InputWanted"/> is called when there is room for the rest.</returns>
    public int Offer(ReadOnlySpan<byte> bytes)
    {
        int taken;
        lock (_gate)
        {
            taken = Math.Min(bytes.Length, Capacity - _count);
            bytes[..taken].CopyTo(_waiting.AsSpan(_count));
            _count += taken;
            _refused = taken < bytes.Length;
        }
        if (taken > 0) InputCame?.Invoke();
        return taken;
    }

    /// <summary>Takes input for a buffer of the guest.</summary>
    internal int Take(Span<byte> destination)
    {
        bool tell;
        int taken;
        lock (_gate)
        {
            taken = Math.Min(destination.Length, _count);
            _waiting.AsSpan(0, taken).CopyTo(destination);
            _waiting.AsSpan(taken, _count - taken).CopyTo(_waiting);
            _count -= taken;
            tell = _refused && taken > 0;
            if (tell) _refused = false;
        }
        if (tell) InputWanted?.Invoke();
        return taken;
    }
}
