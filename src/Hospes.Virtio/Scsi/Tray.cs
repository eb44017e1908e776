namespace Hospes.Virtio;

/// <summary>What a drive tells when it is asked for events (MMC-6, 6.6.3.6).</summary>
internal enum MediaEvent : byte
{
    /// <summary>Nothing happened.</summary>
    None = 0,

    /// <summary>Somebody wants the medium out, and it is locked.</summary>
    EjectRequest = 1,

    /// <summary>A medium is in the drive and can be used.</summary>
    NewMedium = 2,

    /// <summary>The medium went out of reach.</summary>
    MediumRemoved = 3,
}

/// <summary>
/// The tray of a drive: open or not, locked by the guest or not, with a medium or without. It stays as it is over the domain's lives. The guest moves it by
/// commands, people through whoever manages the domain. Thread-safe.
/// </summary>
public sealed class Tray
{
    private readonly Lock _gate = new();
    private bool _isOpen, _isLocked, _hasMedium, _isThere, _hasChanged;
    private MediaEvent _event;

    /// <summary>Makes a tray, which is closed.</summary>
    /// <param name="hasMedium">Whether there is a medium from the beginning.</param>
    public Tray(bool hasMedium) => _hasMedium = _isThere = hasMedium;

    /// <summary>Told that the tray opened (true) or closed, on whatever thread moved it. It must not block.</summary>
    public Action<bool>? Moved { get; set; }

    /// <summary>Whether it is open.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate) return _isOpen;
        }
    }

    /// <summary>Whether the guest locked it.</summary>
    public bool IsLocked
    {
        get
        {
            lock (_gate) return _isLocked;
        }
    }

    /// <summary>Whether there is a medium, be the tray open or closed.</summary>
    public bool HasMedium
    {
        get
        {
            lock (_gate) return _hasMedium;
        }
        set
        {
            lock (_gate)
            {
                _hasMedium = value;
                Note();
            }
        }
    }

    /// <summary>Opens the tray, as the drive's button does.</summary>
    /// <param name="force">Whether it opens though it is locked, which unlocks it.</param>
    /// <returns>False for one that is locked: the guest is asked to let the medium go then.</returns>
    public bool TryOpen(bool force)
    {
        lock (_gate)
        {
            if (_isOpen) return true;
            if (_isLocked && !force)
            {
                _event = MediaEvent.EjectRequest;
                return false;
            }
            _isLocked = false;
            Place(isOpen: true);
        }
        Moved?.Invoke(true);
        return true;
    }

    /// <summary>Closes the tray. Does nothing to one that is closed.</summary>
    public void Close() => Move(isOpen: false);

    /// <summary>Moves the tray for the guest.</summary>
    /// <returns>False for one that is locked.</returns>
    internal bool Move(bool isOpen)
    {
        lock (_gate)
        {
            if (_isOpen == isOpen) return true;
            if (isOpen && _isLocked) return false;
            Place(isOpen);
        }
        Moved?.Invoke(isOpen);
        return true;
    }

    /// <summary>Locks the tray or unlocks it, which is the guest's affair.</summary>
    /// <param name="isLocked">Whether it is locked.</param>
    public void Lock(bool isLocked)
    {
        lock (_gate) _isLocked = isLocked;
    }

    /// <summary>Takes what happened last, which is told once.</summary>
    internal MediaEvent TakeEvent()
    {
        lock (_gate)
        {
            MediaEvent happened = _event;
            _event = MediaEvent.None;
            return happened;
        }
    }

    /// <summary>Takes whether a medium came into reach, which is told once.</summary>
    internal bool TakeChange()
    {
        lock (_gate)
        {
            bool changed = _hasChanged;
            _hasChanged = false;
            return changed;
        }
    }

    /// <summary>What the guest can reach: null for a medium, else why there is none.</summary>
    internal Sense? Missing
    {
        get
        {
            lock (_gate) return _isOpen ? Sense.MediumNotPresentTrayOpen : _hasMedium ? null : Sense.MediumNotPresentTrayClosed;
        }
    }

    private void Place(bool isOpen)
    {
        _isOpen = isOpen;
        Note();
    }

    private void Note()
    {
        bool isThere = !_isOpen && _hasMedium;
        if (isThere == _isThere) return;
        _isThere = _hasChanged = isThere;
        _event = isThere ? MediaEvent.NewMedium : MediaEvent.MediumRemoved;
    }
}
