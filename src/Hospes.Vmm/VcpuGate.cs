namespace Hospes.Vmm;

/// <summary>
/// Where a domain's processors wait while they are held. A processor's thread comes in before its first run, asks after every kick, and goes
/// out for good. Holds add up: the processors run on once all are released. Thread-safe; not for a processor's own thread to hold.
/// </summary>
/// <param name="kick">Kicks all processors.</param>
internal sealed class VcpuGate(Action kick)
{
    private readonly object _gate = new();
    private int _holds, _inside, _stalls;
    private int? _only;
    private bool _isEnded;

    /// <summary>A processor's thread begins; waits while processors are held.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>False when they are to end.</returns>
    public bool Enter(int id)
    {
        lock (_gate)
        {
            WaitForRelease(id);
            if (!_isEnded) _inside++;
            return !_isEnded;
        }
    }

    /// <summary>A processor's thread that was kicked asks what for; waits while processors are held.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>False when they are to end.</returns>
    public bool Pass(int id)
    {
        lock (_gate)
        {
            if (Waits(id))
            {
                Leave();
                WaitForRelease(id);
                _inside++;
            }
            return !_isEnded;
        }
    }

    /// <summary>A processor's thread stopped for a debugger: all are held, and it waits until <see cref="EndStalls"/> and the end of all holds.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="tell">Tells the debugger; false when there is none, and the processor runs on.</param>
    /// <returns>False when they are to end.</returns>
    public bool Stall(int id, Func<bool> tell)
    {
        lock (_gate)
        {
            _holds++;
            _stalls++;
        }
        kick();
        if (!tell()) EndStalls();
        return Pass(id);
    }

    /// <summary>Ends the holds of processors that stopped for a debugger.</summary>
    public void EndStalls()
    {
        lock (_gate)
        {
            _holds -= _stalls;
            _stalls = 0;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Lets one processor run only, once they are not held.</summary>
    /// <param name="id">Its number; null for all.</param>
    public void RunOnly(int? id)
    {
        lock (_gate)
        {
            _only = id;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A processor's thread that came in goes out for good.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0) Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Holds all processors: when this returns, none executes.</summary>
    public void Hold()
    {
        lock (_gate) _holds++;
        kick();
        lock (_gate)
        {
            while (_inside > 0) Monitor.Wait(_gate);
        }
    }

    /// <summary>Ends one hold.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _holds--;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends all processors.</summary>
    public void End()
    {
        lock (_gate)
        {
            _isEnded = true;
            Monitor.PulseAll(_gate);
        }
        kick();
    }

    private bool Waits(int id) => (_holds > 0 || (_only is { } only && only != id)) && !_isEnded;

    private void WaitForRelease(int id)
    {
        while (Waits(id)) Monitor.Wait(_gate);
    }
}
