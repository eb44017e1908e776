namespace Hospes.Virtio;

using static VirtioPciLayout;

/// <summary>The common configuration (virtio 1.2, 4.1.4.3). Called under the transport's lock.</summary>
public sealed partial class VirtioPci
{
    private QueueState? Selected => _queueSelect < _queues.Length ? _queues[_queueSelect] : null;

    private ulong ReadCommon(int offset, int size)
    {
        // Registers are read whole or, the wide ones, in aligned halves; an odd access gets the bytes of the register it starts in.
        int start = offset & ~3;
        ulong pair = ReadWord(start) | (ulong)ReadWord(start + 4) << 32;
        ulong value = pair >> ((offset - start) * 8);
        return size == 8 ? value : value & ((1UL << (size * 8)) - 1);
    }

    private uint ReadWord(int offset) => offset switch
    {
        DeviceFeatureSelect => _deviceSelect,
        DeviceFeature => Half(_offered, _deviceSelect),
        DriverFeatureSelect => _driverSelect,
        DriverFeature => Half(_accepted, _driverSelect),
        ConfigVector => _configVector | (uint)_queues.Length << 16,
        StatusRegister => (uint)_status | (uint)Device.ConfigGeneration << 8 | (uint)_queueSelect << 16,
        QueueSize => Selected is { } queue ? queue.Size | (uint)queue.Vector << 16 : (uint)NoVector << 16,
        QueueEnable => Selected is { } queue ? (queue.IsEnabled ? 1u : 0) | (uint)_queueSelect << 16 : 0,
        QueueDescriptors => (uint)(Selected?.Descriptors ?? 0),
        QueueDescriptors + 4 => (uint)((Selected?.Descriptors ?? 0) >> 32),
        QueueDriver => (uint)(Selected?.DriverArea ?? 0),
        QueueDriver + 4 => (uint)((Selected?.DriverArea ?? 0) >> 32),
        QueueDevice => (uint)(Selected?.DeviceArea ?? 0),
        QueueDevice + 4 => (uint)((Selected?.DeviceArea ?? 0) >> 32),
        QueueNotifyData => Selected is { } queue ? _queueSelect | (queue.IsResetting ? 1u << 16 : 0) : 0,
        _ => 0,
    };

    private void WriteCommon(int offset, int size, uint value)
    {
        // While a reset is under way a driver only reads the status.
        if (_resetWanted) return;
        switch (offset)
        {
            case DeviceFeatureSelect when size == 4:
                _deviceSelect = value;
                break;
            case DriverFeatureSelect when size == 4:
                _driverSelect = value;
                break;
            case DriverFeature when size == 4:
                WriteFeatures(value);
                break;
            case ConfigVector:
                Volatile.Write(ref _configVector, CheckVector(value));
                break;
            case StatusRegister:
                WriteStatus((VirtioStatus)value);
                break;
            case QueueSelect:
                _queueSelect = (ushort)value;
                break;
            default:
                if (Selected is { } queue) WriteQueue(queue, offset, size, value);
                break;
        }
    }

    private void WriteQueue(QueueState queue, int offset, int size, uint value)
    {
        switch (offset)
        {
            case QueueVector:
                Volatile.Write(ref queue.Vector, CheckVector(value));
                return;
            case QueueEnable:
                if ((value & 1) != 0 && !queue.IsEnabled) EnableQueue(queue);
                return;
            case QueueReset:
                if ((value & 1) != 0 && queue.IsEnabled && (_accepted & VirtioFeatures.RingReset) != 0) ResetQueue(queue);
                return;
        }
        // The rest is fixed once the queue is enabled (4.1.4.3.2).
        if (queue.IsEnabled) return;
        switch (offset)
        {
            case QueueSize:
                if ((ushort)value <= queue.Largest) queue.Size = (ushort)value;
                break;
            case QueueDescriptors or QueueDescriptors + 4 when size == 4:
                queue.Descriptors = Replace(queue.Descriptors, offset, value);
                break;
            case QueueDriver or QueueDriver + 4 when size == 4:
                queue.DriverArea = Replace(queue.DriverArea, offset, value);
                break;
            case QueueDevice or QueueDevice + 4 when size == 4:
                queue.DeviceArea = Replace(queue.DeviceArea, offset, value);
                break;
        }
    }

    private void WriteFeatures(uint value)
    {
        // Features are settled once FEATURES_OK is (3.1.1).
        if ((_status & VirtioStatus.FeaturesOk) != 0 || _driverSelect > 1) return;
        int shift = (int)_driverSelect * 32;
        _accepted = (_accepted & ~(0xFFFF_FFFFUL << shift)) | (ulong)value << shift;
    }

    private void WriteStatus(VirtioStatus value)
    {
        if (value == VirtioStatus.None)
        {
            if (_wasStarted) RequestReset();
            else ResetRegisters();
            return;
        }
        VirtioStatus before = _status;
        _status = value & ~VirtioStatus.NeedsReset | before & VirtioStatus.NeedsReset;
        if ((value & VirtioStatus.FeaturesOk) != 0 && (before & VirtioStatus.FeaturesOk) == 0 && !AreFeaturesGood()) _status &= ~VirtioStatus.FeaturesOk;
        // A driver that goes on without agreed features gets no device.
        if ((_status & VirtioStatus.FeaturesOk) == 0) _status &= ~VirtioStatus.DriverOk;
        if ((_status & ~before & VirtioStatus.DriverOk) == 0) return;
        _wasStarted = true;
        RequestStart();
    }

    private bool AreFeaturesGood() => (_accepted & ~_offered) == 0 && (_accepted & VirtioFeatures.Version1) != 0;

    private void EnableQueue(QueueState state)
    {
        if ((_status & VirtioStatus.FeaturesOk) == 0) return;
        var setup = new QueueSetup(state.Size, state.Descriptors, state.DriverArea, state.DeviceArea, _accepted);
        VirtQueue? queue = VirtQueue.TryCreate(_memory, setup, _ => NeedReset(), out _, Device.Counters[Array.IndexOf(_queues, state)]);
        state.IsEnabled = true;
        Volatile.Write(ref state.Queue, queue);
        if (queue is null) _status |= VirtioStatus.NeedsReset;
    }

    /// <summary>Everything as out of reset. The worker has stopped the device, or it never ran.</summary>
    private void ResetRegisters()
    {
        foreach (QueueState queue in _queues) queue.Reset();
        _deviceSelect = _driverSelect = 0;
        _accepted = 0;
        _queueSelect = 0;
        _configVector = NoVector;
        _wasStarted = false;
        _status = VirtioStatus.None;
        TakeInterrupts();
    }

    /// <summary>A vector that the function does not have reads back as none (4.1.5.1.2.1).</summary>
    private ushort CheckVector(uint value) => (ushort)value < VectorCount ? (ushort)value : NoVector;

    private static uint Half(ulong features, uint select) => select switch
    {
        0 => (uint)features,
        1 => (uint)(features >> 32),
        _ => 0,
    };

    private static ulong Replace(ulong field, int offset, uint value) =>
        (offset & 4) == 0 ? field & ~0xFFFF_FFFFUL | value : field & 0xFFFF_FFFFUL | (ulong)value << 32;
}
