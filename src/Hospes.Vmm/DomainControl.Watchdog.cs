namespace Hospes.Vmm;

/// <summary>What becomes of a domain whose guest lets a watchdog expire.</summary>
public sealed partial class DomainControl
{
    private WatchdogAction _watchdogAction;

    /// <summary>What that leads to.</summary>
    public WatchdogAction WatchdogAction
    {
        get
        {
            lock (_gate) return _watchdogAction;
        }
        set
        {
            lock (_gate) _watchdogAction = value;
        }
    }

    private void WatchdogExpired(Domain life)
    {
        lock (_gate)
        {
            if (_life != life || _state != RunState.Running) return;
            Raised?.Invoke(new DomainEvent.Watchdog(_watchdogAction));
            switch (_watchdogAction)
            {
                case WatchdogAction.Reset:
                    life.Stop(new DomainEnd(DomainEndKind.Reset));
                    break;
                case WatchdogAction.Shutdown:
                    PowerDown();
                    break;
                case WatchdogAction.PowerOff:
                    life.Stop(new DomainEnd(DomainEndKind.PowerOff));
                    break;
                case WatchdogAction.Pause:
                    _wantsToRun = false;
                    Halt(RunState.Watchdog);
                    break;
                case WatchdogAction.InjectNmi:
                    life.Machine?.InjectNmi();
                    break;
            }
        }
    }
}
