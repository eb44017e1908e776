using Hospes.Hypervisor.Soft.Cpu;
using static Hospes.Hypervisor.Soft.Interrupts.ApicRegisters;

namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>The local APIC's timer: one-shot, periodic, TSC deadline (Intel SDM vol. 3, 12.5.4). Counts the core crystal clock.</summary>
internal sealed class ApicTimer : IClockTimer
{
    private readonly Lock _gate = new();
    private readonly LocalApic _apic;
    private readonly GuestClock _clock;
    private readonly ulong _tscPerCount;
    private uint _initial, _divide;
    private ulong _cycleStart, _deadline;
    private bool _running;

    public ApicTimer(LocalApic apic, GuestClock clock, CpuModel model)
    {
        _apic = apic;
        _clock = clock;
        _tscPerCount = (ulong)(model.TscHz / model.CrystalHz);
    }

    /// <summary>The initial count; writing it starts a cycle, writing 0 stops the timer.</summary>
    public uint InitialCount
    {
        get => _initial;
        set
        {
            lock (_gate)
            {
                if (Mode == TimerDeadline) return;
                _initial = value;
                _cycleStart = _clock.Tsc;
                _running = value != 0;
                Schedule();
            }
        }
    }

    /// <summary>The current count.</summary>
    public uint CurrentCount
    {
        get
        {
            lock (_gate)
            {
                if (!_running || Mode == TimerDeadline) return 0;
                ulong elapsed = (_clock.Tsc - _cycleStart) / CountLength;
                if (elapsed < _initial) return (uint)(_initial - elapsed);
                return Mode == TimerPeriodic ? (uint)(_initial - elapsed % _initial) : 0;
            }
        }
    }

    /// <summary>The divide configuration register, bits 0, 1 and 3.</summary>
    public uint Divide
    {
        get => _divide;
        set
        {
            lock (_gate)
            {
                uint left = CurrentCount;
                _divide = value;
                if (!_running) return;
                _cycleStart = _clock.Tsc - (_initial - left) * CountLength;
                Schedule();
            }
        }
    }

    /// <summary>IA32_TSC_DEADLINE on the clock's own counter; 0 when disarmed. The caller applies the processor's offset.</summary>
    public ulong Deadline
    {
        get
        {
            lock (_gate) return _deadline;
        }

        set
        {
            bool now;
            lock (_gate)
            {
                if (Mode != TimerDeadline) return;
                now = value != 0 && value <= _clock.Tsc;
                _deadline = now ? 0 : value;
                Schedule();
            }
            if (now) _apic.RaiseLocal(_apic.TimerEntry);
        }
    }

    /// <summary>The entry was rewritten: a change to or from deadline mode disarms; other changes let the count go on (12.5.4).</summary>
    public void EntryChanged(uint old, uint entry)
    {
        lock (_gate)
        {
            bool was = (old >> 17 & 3) == TimerDeadline, becomes = (entry >> 17 & 3) == TimerDeadline;
            if (was != becomes)
            {
                _running = false;
                _deadline = 0;
            }
            else if (_running && !becomes && (old >> 17 & 3) == TimerOneShot && _clock.Tsc - _cycleStart >= _initial * CountLength)
            {
                // A count that has run out stays at 0.
                _running = false;
            }
            Schedule();
        }
    }

    /// <summary>Stops the timer and clears its registers.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _initial = _divide = 0;
            _deadline = 0;
            _running = false;
            _clock.Disarm(this);
        }
    }

    /// <summary>Takes the registers over; the cycle goes on where it was.</summary>
    public void Load(uint initial, uint current, uint divide)
    {
        lock (_gate)
        {
            _initial = initial;
            _divide = divide;
            _running = current != 0;
            _cycleStart = _clock.Tsc - (ulong)(initial - Math.Min(current, initial)) * CountLength;
            Schedule();
        }
    }

    /// <inheritdoc/>
    public void Fire()
    {
        lock (_gate)
        {
            ulong now = _clock.Tsc;
            if (Mode == TimerDeadline)
            {
                if (_deadline == 0 || now < _deadline)
                {
                    Schedule();
                    return;
                }
                _deadline = 0;
            }
            else
            {
                if (!_running) return;
                ulong period = _initial * CountLength;
                if (now - _cycleStart < period)
                {
                    Schedule();
                    return;
                }
                if (Mode == TimerPeriodic) _cycleStart += (now - _cycleStart) / period * period;
                else _running = false;
                Schedule();
            }
        }
        _apic.RaiseLocal(_apic.TimerEntry);
    }

    private uint Mode => _apic.TimerEntry >> 17 & 3;

    /// <summary>TSC ticks of one count: divided by 2, 4, 8, 16, 32, 64, 128, or 1.</summary>
    private ulong CountLength => _tscPerCount << (int)((((_divide & 3) | (_divide >> 1 & 4)) + 1) & 7);

    private void Schedule()
    {
        if (Mode == TimerDeadline ? _deadline != 0 : _running) _clock.Arm(this, Mode == TimerDeadline ? _deadline : _cycleStart + _initial * CountLength);
        else _clock.Disarm(this);
    }
}
