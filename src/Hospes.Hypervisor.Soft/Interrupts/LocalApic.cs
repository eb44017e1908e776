using Hospes.Hypervisor.Soft.Cpu;
using static Hospes.Hypervisor.Soft.Interrupts.ApicRegisters;

namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>
/// A local APIC (Intel SDM vol. 3, chapter 12) in xAPIC and x2APIC mode. Registers are touched on the vCPU's thread; requests arrive from any
/// thread through <see cref="Accept"/>; the timer has its own lock.
/// </summary>
internal sealed class LocalApic : IDisposable
{
    private readonly SoftVcpu _vcpu;
    private readonly CpuModel _model;
    private readonly VectorSet _request = new(), _service = new(), _level = new();
    private readonly uint[] _lvt = new uint[6];
    private uint _id, _taskPriority, _logical, _format, _spurious, _errors, _errorsShown, _commandLow, _commandHigh;

    public LocalApic(SoftVcpu vcpu, GuestClock clock, CpuModel model)
    {
        _vcpu = vcpu;
        _model = model;
        Timer = new ApicTimer(this, clock, model);
        PowerOn();
    }

    /// <summary>IA32_APIC_BASE.</summary>
    public ulong Base { get; private set; }

    /// <summary>The timer.</summary>
    public ApicTimer Timer { get; }

    /// <summary>Whether the APIC answers at all.</summary>
    public bool IsEnabled => (Base & BaseEnabled) != 0;

    /// <summary>Whether registers are MSRs.</summary>
    public bool IsX2Apic => (Base & (BaseEnabled | BaseX2Apic)) == (BaseEnabled | BaseX2Apic);

    /// <summary>Whether an 8259 on LINT0 reaches the processor: virtual wire mode, or no APIC in between.</summary>
    public bool AcceptsExternalInterrupts => !IsEnabled || (_lvt[3] & (LvtMasked | 0x700)) == ModeExternal << 8;

    /// <summary>The x2APIC id, and the initial xAPIC id.</summary>
    public uint InitialId => (uint)_vcpu.Id;

    /// <summary>The task priority; CR8 is its upper half.</summary>
    public uint TaskPriority
    {
        get => _taskPriority;
        set
        {
            _taskPriority = value & 0xFF;
            Recheck();
        }
    }

    /// <summary>The local vector table entry of the timer.</summary>
    public uint TimerEntry => _lvt[0];

    /// <summary>After power-on: enabled in xAPIC mode, LINT0 of the bootstrap processor in virtual wire mode as the MP specification asks of firmware.</summary>
    public void PowerOn()
    {
        Base = DefaultBase | BaseEnabled | (_vcpu.Id == 0 ? BaseBootstrap : 0);
        _id = InitialId << 24;
        ResetRegisters();
        if (_vcpu.Id == 0) _lvt[3] = ModeExternal << 8;
    }

    /// <summary>After INIT: everything but the id and the base (SDM vol. 3, 12.4.7.3).</summary>
    public void ResetRegisters()
    {
        _request.Clear();
        _service.Clear();
        _level.Clear();
        _taskPriority = 0;
        _logical = 0;
        _format = uint.MaxValue;
        _spurious = 0xFF;
        _errors = _errorsShown = 0;
        _commandLow = _commandHigh = 0;
        Array.Fill(_lvt, LvtMasked);
        Timer.Reset();
    }

    /// <summary>Writes IA32_APIC_BASE. Answers whether the transition is one that the SDM allows (vol. 3, figure 12-27).</summary>
    public bool TrySetBase(ulong value)
    {
        ulong reserved = ~(BaseBootstrap | BaseEnabled | (_model.HasX2Apic ? BaseX2Apic : 0) | ((1UL << Memory.PageWalk.PhysicalBits) - 0x1000));
        if ((value & reserved) != 0) return false;
        ulong mode = value & (BaseEnabled | BaseX2Apic), old = Base & (BaseEnabled | BaseX2Apic);
        if (mode == BaseX2Apic) return false;
        if (old == (BaseEnabled | BaseX2Apic) && mode == BaseEnabled) return false;
        if (old == 0 && mode == (BaseEnabled | BaseX2Apic)) return false;
        ulong oldBase = Base;
        Base = value;
        if (mode == 0 && old != 0)
        {
            ResetRegisters();
            _id = InitialId << 24;
        }
        if (mode == BaseEnabled && old == 0) _id = InitialId << 24;
        if (oldBase != Base) _vcpu.Mmu.Flush();
        return true;
    }

    /// <summary>Whether a page of physical addresses is the register page; in x2APIC mode, or disabled, it is not.</summary>
    public bool OwnsPage(ulong page) => (Base & (BaseEnabled | BaseX2Apic)) == BaseEnabled && page == (Base & ~0xFFFUL);

    /// <summary>Reads from the register page.</summary>
    public ulong ReadPage(uint offset, int size)
    {
        // Registers are 32 bits on 16-byte boundaries; parts of them are read through, what lies between reads as 0.
        uint value = (offset & 0xC) == 0 ? Read(offset & 0xFF0) : 0;
        value >>= (int)(offset & 3) * 8;
        return size switch { 1 => (byte)value, 2 => (ushort)value, _ => value };
    }

    /// <summary>Writes to the register page. Only aligned 32-bit writes have an effect.</summary>
    public void WritePage(uint offset, int size, ulong value)
    {
        if ((offset & 0xF) == 0 && size >= 4) Write(offset, (uint)value);
    }

    /// <summary>The upper half of the interrupt command register (xAPIC) or of the MSR.</summary>
    public uint CommandHigh => _commandHigh;

    /// <summary>Reads a register by its xAPIC offset.</summary>
    public uint Read(uint offset)
    {
        switch (offset)
        {
            case Id: return IsX2Apic ? InitialId : _id;
            case ApicRegisters.Version: return VersionValue;
            case ApicRegisters.TaskPriority: return _taskPriority;
            case ProcessorPriority or ArbitrationPriority: return Priority();
            case LogicalDestination: return IsX2Apic ? LogicalX2 : _logical;
            case DestinationFormat: return _format;
            case Spurious: return _spurious;
            case ErrorStatus: return _errorsShown;
            case CommandLow: return _commandLow;
            case ApicRegisters.CommandHigh: return _commandHigh;
            case >= LvtTimer and <= LvtError: return _lvt[(offset - LvtTimer) >> 4];
            case InitialCount: return Timer.InitialCount;
            case CurrentCount: return Timer.CurrentCount;
            case DivideConfiguration: return Timer.Divide;
            case >= InService and < InService + 0x80: return _service[(int)(offset - InService) >> 4];
            case >= TriggerMode and < TriggerMode + 0x80: return _level[(int)(offset - TriggerMode) >> 4];
            case >= Request and < Request + 0x80: return _request[(int)(offset - Request) >> 4];
            default: return 0;
        }
    }

    /// <summary>Writes a register by its xAPIC offset. Writes to read-only registers have no effect.</summary>
    public void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case Id:
                if (!IsX2Apic) _id = value & 0xFF000000;
                break;
            case ApicRegisters.TaskPriority:
                TaskPriority = value;
                break;
            case Eoi:
                EndOfInterrupt();
                break;
            case LogicalDestination:
                if (!IsX2Apic) _logical = value & 0xFF000000;
                break;
            case DestinationFormat:
                if (!IsX2Apic) _format = value | 0x0FFFFFFF;
                break;
            case Spurious:
                _spurious = value & 0x1FF;
                // While software-disabled every entry of the table is masked (12.4.7.2).
                if ((_spurious & SpuriousEnabled) == 0)
                {
                    for (int i = 0; i < _lvt.Length; i++) _lvt[i] |= LvtMasked;
                }
                break;
            case ErrorStatus:
                _errorsShown = _errors;
                _errors = 0;
                break;
            case CommandLow:
                _commandLow = value & ~(1u << 12);
                InterruptRouter.Command(_vcpu, _commandLow, IsX2Apic ? _commandHigh : _commandHigh >> 24);
                break;
            case ApicRegisters.CommandHigh:
                _commandHigh = IsX2Apic ? value : value & 0xFF000000;
                break;
            case >= LvtTimer and <= LvtError:
                WriteEntry((int)(offset - LvtTimer) >> 4, value);
                break;
            case InitialCount:
                Timer.InitialCount = value;
                break;
            case DivideConfiguration:
                Timer.Divide = value & 0xB;
                break;
        }
    }

    /// <summary>Writes the whole 64-bit interrupt command register of x2APIC mode.</summary>
    public void WriteCommand(ulong value)
    {
        _commandHigh = (uint)(value >> 32);
        Write(CommandLow, (uint)value);
    }

    /// <summary>Takes a fixed interrupt. Any thread. Answers whether it was accepted.</summary>
    public bool Accept(byte vector, bool level)
    {
        if (!IsEnabled || (Volatile.Read(ref _spurious) & SpuriousEnabled) == 0) return false;
        if (vector < 16)
        {
            Interlocked.Or(ref _errors, ErrorReceiveIllegalVector);
            return false;
        }
        if (level) _level.Set(vector);
        else _level.Clear(vector);
        _request.Set(vector);
        _vcpu.Post(Interpret.CpuEvents.Interrupt);
        return true;
    }

    /// <summary>Raises an entry of the local vector table. Any thread.</summary>
    public void RaiseLocal(uint entry)
    {
        if ((entry & LvtMasked) != 0) return;
        switch ((entry >> 8) & 7)
        {
            case ModeFixed: Accept((byte)entry, level: false); break;
            case ModeNmi: _vcpu.InterruptNonMaskable(); break;
        }
    }

    /// <summary>Takes the interrupt of highest priority into service when its class is above the processor's; else -1.</summary>
    public int TakeInterrupt()
    {
        if (!IsEnabled) return -1;
        int vector = _request.Highest();
        if (vector < 0 || (vector & 0xF0) <= (Priority() & 0xF0)) return -1;
        _request.Clear(vector);
        _service.Set(vector);
        return vector;
    }

    /// <summary>Whether an interrupt destined as given reaches this APIC (SDM vol. 3, 12.6.2).</summary>
    public bool Matches(uint destination, bool logical, bool wide)
    {
        if (!IsEnabled) return false;
        uint broadcast = wide ? uint.MaxValue : 0xFF;
        if (destination == broadcast) return true;
        if (!logical) return IsX2Apic ? destination == InitialId : destination == _id >> 24;
        if (IsX2Apic) return destination >> 16 == LogicalX2 >> 16 && (destination & LogicalX2 & 0xFFFF) != 0;
        uint own = _logical >> 24;
        if (_format >> 28 == 0xF) return (own & destination) != 0;
        return own >> 4 == (destination >> 4 & 0xF) && (own & destination & 0xF) != 0;
    }

    /// <summary>An IPI could not be sent for its vector.</summary>
    public void NoteSendError() => Interlocked.Or(ref _errors, ErrorSendIllegalVector);

    /// <summary>Copies the registers into a register page image.</summary>
    public void Save(Span<byte> page)
    {
        for (uint offset = 0x20; offset < 0x3F0; offset += 16) BitConverter.TryWriteBytes(page[(int)offset..], Read(offset));
        BitConverter.TryWriteBytes(page[(int)ErrorStatus..], _errors);
    }

    /// <summary>Takes the registers from a register page image.</summary>
    public void Load(ReadOnlySpan<byte> page, ulong apicBase)
    {
        Base = apicBase;
        uint Get(uint offset, ReadOnlySpan<byte> image) => BitConverter.ToUInt32(image[(int)offset..]);
        _id = IsX2Apic ? InitialId << 24 : Get(Id, page);
        _taskPriority = Get(ApicRegisters.TaskPriority, page) & 0xFF;
        _logical = Get(LogicalDestination, page);
        _format = Get(DestinationFormat, page) | 0x0FFFFFFF;
        _spurious = Get(Spurious, page) & 0x1FF;
        _errors = Get(ErrorStatus, page);
        _commandLow = Get(CommandLow, page);
        _commandHigh = Get(ApicRegisters.CommandHigh, page);
        for (int i = 0; i < 8; i++)
        {
            _service[i] = Get(InService + (uint)i * 16, page);
            _level[i] = Get(TriggerMode + (uint)i * 16, page);
            _request[i] = Get(Request + (uint)i * 16, page);
        }
        for (uint i = 0; i < 6; i++) _lvt[i] = Get(LvtTimer + i * 16, page);
        Timer.Load(Get(InitialCount, page), Get(CurrentCount, page), Get(DivideConfiguration, page) & 0xB);
        _vcpu.Post(Interpret.CpuEvents.Interrupt);
    }

    public void Dispose() => Timer.Reset();

    private uint LogicalX2 => (InitialId >> 4 << 16) | (1u << (int)(InitialId & 15));

    private uint Priority()
    {
        int service = Math.Max(0, _service.Highest());
        return (_taskPriority & 0xF0) >= (service & 0xF0) ? _taskPriority : (uint)service & 0xF0;
    }

    private void EndOfInterrupt()
    {
        int vector = _service.Highest();
        if (vector < 0) return;
        _service.Clear(vector);
        if (_level.Has(vector)) _vcpu.NoteEndOfInterrupt((byte)vector);
        Recheck();
    }

    private void Recheck()
    {
        if (_request.Highest() >= 0) _vcpu.Post(Interpret.CpuEvents.Interrupt);
    }

    private void WriteEntry(int entry, uint value)
    {
        uint writable = entry switch { 0 => 0x700FFu, 1 or 2 => 0x107FF, 3 or 4 => 0x1A7FF, _ => 0x100FF };
        value &= writable;
        if ((_spurious & SpuriousEnabled) == 0) value |= LvtMasked;
        uint old = _lvt[entry];
        _lvt[entry] = value;
        if (entry == 0) Timer.EntryChanged(old, value);
        if (entry == 3) _vcpu.Post(Interpret.CpuEvents.ExternalInterrupt);
    }
}
