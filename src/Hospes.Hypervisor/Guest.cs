namespace Hospes.Hypervisor;

/// <summary>A handle to a guest: its traps, its virtual processors, its interrupts (zx_guest_create). Thread-safe.</summary>
public sealed class Guest : Handle<Guest>
{
    private readonly GuestObject _object;

    private Guest(GuestObject guest, Rights rights, HandleCount count)
        : base(rights, count) => _object = guest;

    /// <summary>The guest-physical address space.</summary>
    public GuestMemory Memory => _object.Memory;

    /// <summary>What the guest was created with.</summary>
    public GuestOptions Options => _object.Options;

    /// <summary>Creates a guest: an empty shell without memory and processors.</summary>
    /// <param name="resource">A resource of kind <see cref="ResourceKind.Hypervisor"/>.</param>
    /// <param name="options">What it is to be.</param>
    /// <param name="guest">The guest with <see cref="Rights.DefaultGuest"/>, or null.</param>
    /// <returns><see cref="Status.AccessDenied"/> for a resource of another kind; <see cref="Status.BadState"/> for a closed one;
    /// <see cref="Status.InvalidArgs"/> for options out of range; else the engine's answer.</returns>
    public static Status Create(HypervisorResource resource, GuestOptions options, out Guest? guest)
    {
        guest = null;
        if (resource.IsClosed) return Status.BadState;
        if (resource.Kind != ResourceKind.Hypervisor) return Status.AccessDenied;
        if (options.MaxVcpus is < 1 or > 255) return Status.InvalidArgs;
        var memory = new GuestMemory();
        var traps = new TrapTable();
        Status status = resource.Engine.CreateGuest(options, memory, traps, out IGuestEngine? engine);
        if (status != Status.Ok || engine is null)
        {
            memory.Dispose();
            return status == Status.Ok ? Status.Internal : status;
        }
        guest = new Guest(new GuestObject(options, memory, traps, engine), Rights.DefaultGuest, new HandleCount());
        return Status.Ok;
    }

    /// <summary>Sets a trap (zx_guest_set_trap). Traps stay as long as the guest.</summary>
    /// <param name="kind">What an access does.</param>
    /// <param name="address">First guest-physical address (page-aligned) or first port.</param>
    /// <param name="size">Bytes (whole pages) or ports; at least 1.</param>
    /// <param name="port">Where packets of a bell go; must be null for the synchronous kinds.</param>
    /// <param name="key">The number that packets carry.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/> on guest or port; <see cref="Status.InvalidArgs"/> for a
    /// size of 0, bad alignment, a bell without a port or another kind with one; <see cref="Status.OutOfRange"/> beyond 2^52 or port 0xFFFF;
    /// <see cref="Status.AlreadyExists"/> when it overlaps a trap of the same tree.</returns>
    public Status SetTrap(TrapKind kind, ulong address, ulong size, Port? port, ulong key)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (size == 0 || (kind == TrapKind.Bell) != (port is not null)) return Status.InvalidArgs;
        if (kind == TrapKind.Io)
        {
            if (address > 0xFFFF || size > 0x10000 - address) return Status.OutOfRange;
        }
        else
        {
            if (((address | size) & (GuestMemory.PageSize - 1)) != 0) return Status.InvalidArgs;
            if (address >= GuestMemory.AddressLimit || size > GuestMemory.AddressLimit - address) return Status.OutOfRange;
        }
        if (port is not null)
        {
            if (port.IsClosed) return Status.BadState;
            if ((port.Rights & Rights.Write) == 0) return Status.AccessDenied;
        }
        var trap = new Trap(kind, address, size, key, port);
        status = _object.Traps.Add(trap);
        if (status == Status.Ok) _object.Engine.TrapAdded(trap);
        return status;
    }

    /// <summary>
    /// Creates the next virtual processor (zx_vcpu_create). It belongs to the calling thread until another one runs it with
    /// <see cref="Vcpu.Bind"/>. Processor 0 is ready to run; the others wait inside <see cref="Vcpu.Run"/> for INIT and SIPI.
    /// </summary>
    /// <param name="vcpu">The processor with <see cref="Rights.DefaultVcpu"/>, or null.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.ManageProcess"/>; <see cref="Status.OutOfRange"/> beyond
    /// <see cref="GuestOptions.MaxVcpus"/>.</returns>
    public Status CreateVcpu(out Vcpu? vcpu)
    {
        vcpu = null;
        Status status = Check(Rights.ManageProcess);
        return status == Status.Ok ? _object.CreateVcpu(out vcpu) : status;
    }

    /// <summary>Delivers a message-signalled interrupt (Intel SDM vol. 3, 12.11).</summary>
    /// <param name="address">The message address.</param>
    /// <param name="data">The message data.</param>
    /// <returns><see cref="Status.NotFound"/> when no local APIC accepts it; <see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/>.</returns>
    public Status DeliverMessage(ulong address, uint data)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        return _object.Engine.DeliverMessage(address, data) ? Status.Ok : Status.NotFound;
    }

    /// <summary>Creates a message-signalled interrupt for a device of the guest.</summary>
    /// <param name="interrupt">The interrupt without a message, or null.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/>.</returns>
    public Status CreateMessageInterrupt(out MessageInterrupt? interrupt)
    {
        Status status = Check(Rights.Write);
        interrupt = status == Status.Ok ? new MessageInterrupt(_object.Engine.CreateMessage()) : null;
        return status;
    }

    /// <summary>Raises or lowers the external interrupt line (an 8259's INTR) of processor 0.</summary>
    /// <param name="asserted">The level.</param>
    /// <param name="acknowledge">The INTA cycle: returns the vector. Called on the vCPU's thread.</param>
    public Status SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        _object.Engine.SetExternalInterrupt(asserted, acknowledge);
        return Status.Ok;
    }

    /// <summary>Starts or ends the log of written pages.</summary>
    /// <param name="enabled">Whether pages are logged from now on; starting clears the log.</param>
    public Status SetDirtyLogging(bool enabled)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (enabled) Memory.ClearDirtyPages();
        Memory.DirtyLogging = enabled;
        _object.Engine.SetDirtyLogging(enabled);
        return Status.Ok;
    }

    /// <summary>Copies the log of written pages of one range and clears it.</summary>
    /// <param name="range">A range of <see cref="GuestMemory.Ranges"/>.</param>
    /// <param name="bitmap">One bit per 4 KiB page, lowest first; at least <see cref="MemoryRange.DirtyWords"/> long.</param>
    /// <returns><see cref="Status.BadState"/> while logging is off; <see cref="Status.InvalidArgs"/> for a short bitmap.</returns>
    public Status CollectDirtyPages(MemoryRange range, Span<ulong> bitmap)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (!Memory.DirtyLogging) return Status.BadState;
        if (bitmap.Length < range.DirtyWords) return Status.InvalidArgs;
        _object.Engine.SynchronizeDirtyLog();
        range.TakeDirty(bitmap);
        return Status.Ok;
    }

    private protected override Guest With(Rights rights, HandleCount count) => new(_object, rights, count);

    private protected override void EndObject() => _object.Dispose();

    /// <summary>What all handles to one guest share.</summary>
    private sealed class GuestObject(GuestOptions options, GuestMemory memory, TrapTable traps, IGuestEngine engine) : IDisposable
    {
        private readonly Lock _gate = new();
        private int _vcpus;

        public GuestOptions Options => options;

        public GuestMemory Memory => memory;

        public TrapTable Traps => traps;

        public IGuestEngine Engine => engine;

        public Status CreateVcpu(out Vcpu? vcpu)
        {
            vcpu = null;
            lock (_gate)
            {
                if (_vcpus >= options.MaxVcpus) return Status.OutOfRange;
                Status status = engine.CreateVcpu(_vcpus, out IVcpuEngine? made);
                if (status != Status.Ok || made is null) return status == Status.Ok ? Status.Internal : status;
                vcpu = new Vcpu(_vcpus++, made);
                return Status.Ok;
            }
        }

        public void Dispose()
        {
            engine.Dispose();
            memory.Dispose();
        }
    }
}
