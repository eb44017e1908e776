namespace Hospes.Vmm;

/// <summary>
/// Where a domain's processors wait while they are held. A processor's thread comes in before its first run, asks after every kick, and goes
/// out for good. Holds add up: the processors run on once all are released. Thread-safe; not for a processor's own thread to hold.
/// </summary>
/// <param name="kick">Kicks all processors.</param>
internal sealed class VcpuGate(Action kick)
{
    private readonly object _gate = new();
    private int _holds, _inside;
    private bool _isEnded;

    /// <summary>A processor's thread begins; waits while processors are held.</summary>
    /// <returns>False when they are to end.</returns>
    public bool Enter()
    {
        lock (_gate)
        {
            WaitForRelease();
            if (!_isEnded) _inside++;
            return !_isEnded;
        }
    }

    /// <summary>A processor's thread that was kicked asks what for; waits while processors are held.</summary>
    /// <returns>False when they are to end.</returns>
    public bool Pass()
    {
        lock (_gate)
        {
            if (_holds > 0 && !_isEnded)
            {
                Leave();
                WaitForRelease();
                _inside++;
            }
            return !_isEnded;
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

    private void WaitForRelease()
    {
        while (_holds > 0 && !_isEnded) Monitor.Wait(_gate);
    }
}
