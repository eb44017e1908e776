namespace Hospes.Machine;

/// <summary>
/// The watchdog that the WDAT table (Microsoft, Hardware Watchdog Timers Design Specification 1.01) describes to a guest: four registers of 32 bits at
/// I/O ports. The count is in steps of <see cref="Period"/> milliseconds.
/// </summary>
internal sealed class ActionWatchdog : IIoDevice, IDisposable
{
    /// <summary>Ports: what is left (any write begins the count again), from where it counts, whether it counts.</summary>
    public const ushort Current = PortMap.Watchdog, Count = PortMap.Watchdog + 4, State = PortMap.Watchdog + 8;

    /// <summary>Milliseconds of a step; the largest and smallest count.</summary>
    public const int Period = 100, MostCount = 6000, LeastCount = 10;

    /// <summary>What is written to begin the count again.</summary>
    public const uint Again = 1;

    private readonly Countdown _countdown;
    private uint _count = 300;

    /// <param name="time">The guest's time.</param>
    /// <param name="expired">Told that the guest did not begin the count again in time, on a timer's thread. It must not block.</param>
    public ActionWatchdog(TimeProvider time, Action expired) => _countdown = new Countdown(time, expired);

    /// <inheritdoc/>
    public int MaxAccess => 4;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        uint value = (port & ~3) switch
        {
            Current => (uint)(_countdown.Left.TotalMilliseconds / Period),
            Count => Volatile.Read(ref _count),
            State => _countdown.Runs ? 1u : 0,
            _ => 0,
        };
        return value >> (8 * (port & 3));
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (size != 4) return;
        switch (port)
        {
            case Current when _countdown.Runs:
                Begin();
                break;
            case Count:
                Volatile.Write(ref _count, Math.Clamp(value, LeastCount, MostCount));
                if (_countdown.Runs) Begin();
                break;
            case State when (value & 1) != 0:
                if (!_countdown.Runs) Begin();
                break;
            case State:
                _countdown.Stop();
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _countdown.Dispose();

    private void Begin() => _countdown.Begin(TimeSpan.FromMilliseconds((long)Volatile.Read(ref _count) * Period));
}
