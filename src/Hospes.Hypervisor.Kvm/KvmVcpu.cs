using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Memory;
using Hospes.Hypervisor.Kvm.Native;
using Hospes.Hypervisor.Kvm.State;

namespace Hospes.Hypervisor.Kvm;

/// <summary>A virtual processor of KVM. Its thread is whoever calls <see cref="Run"/>.</summary>
internal sealed unsafe partial class KvmVcpu : IVcpuEngine
{
    // SAFETY: the shared page is mapped in TryCreate and unmapped in Dispose, which the contract calls after the last Run. Kick, Attend and
    // Interrupt may come later than that from other threads: they touch the page only under the gate and while it is there.

    private readonly KvmGuest _guest;
    private readonly int _file;
    private readonly Lock _gate = new();
    private readonly DirtyRing? _ring;
    private KvmRun* _run;
    private int _kicked, _thread, _managedThread = -1, _threadId;
    private bool _exitHeld, _shutDown;

    private KvmVcpu(KvmGuest guest, int id, int file, KvmRun* run, DirtyRing? ring)
    {
        _guest = guest;
        Id = id;
        _file = file;
        _run = run;
        _ring = ring;
    }

    /// <summary>The APIC id.</summary>
    public int Id { get; }

    /// <summary>Whether the processor has shut down and no INIT came since.</summary>
    public bool IsShutDown => _shutDown;

    /// <summary>Makes a processor with its CPUID answers.</summary>
    public static Status TryCreate(KvmGuest guest, int id, uint ringEntries, out KvmVcpu? vcpu)
    {
        vcpu = null;
        int file = guest.Vm.Control(KvmRequests.CreateVcpu, id);
        if (file < 0) return file == -LibC.NoMemory ? Status.NoMemory : Status.NotSupported;
        nint run = LibC.Map(0, (nuint)guest.Host.RunSize, LibC.ProtRead | LibC.ProtWrite, LibC.MapShared, file, 0);
        DirtyRing? ring = ringEntries == 0 || run == -1 ? null : DirtyRing.TryMap(file, ringEntries);
        var made = new KvmVcpu(guest, id, file, run == -1 ? null : (KvmRun*)run, ring);
        if (run != -1 && (ringEntries == 0 || ring is not null) && guest.Model.Apply(made, guest.Host, guest.Options.MaxVcpus))
        {
            vcpu = made;
            return Status.Ok;
        }
        made.Dispose();
        return run == -1 ? Status.NoMemory : Status.NotSupported;
    }

    /// <summary>A request on the vCPU: its answer, or minus the error number.</summary>
    public int Control(uint request, void* argument)
    {
        int result = LibC.Control(_file, request, (nint)argument);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc/>
    public void Kick()
    {
        Interlocked.Exchange(ref _kicked, 1);
        Attend();
    }

    /// <summary>Brings the processor out of guest code for a moment. Any thread.</summary>
    public void Attend()
    {
        lock (_gate)
        {
            // Where the flag stands already a signal is on its way. Real-time signals queue: one for each of many kicks would keep the thread from its work.
            if (_run == null || Volatile.Read(ref _run->ImmediateExit) != 0) return;
            Volatile.Write(ref _run->ImmediateExit, 1);
            Interlocked.MemoryBarrier();
            int thread = Volatile.Read(ref _thread);
            if (thread != 0) KickSignal.Send(thread);
        }
    }

    /// <inheritdoc/>
    public void Interrupt(byte vector) => _guest.Interrupt(Id, vector);

    /// <inheritdoc/>
    public void InterruptNonMaskable() => _guest.InterruptNonMaskable(Id);

    /// <summary>Takes the dirty ring's entries over; false when there are none or there is no ring.</summary>
    public bool CollectRing(MemorySlots slots)
    {
        lock (_gate) return _run != null && _ring is not null && _ring.Collect(slots);
    }

    /// <inheritdoc/>
    public void ReadState(VcpuState state)
    {
        Settle();
        StateReader.Read(this, _guest, state);
    }

    /// <inheritdoc/>
    public Status WriteState(VcpuState state)
    {
        Settle();
        Status status = StateWriter.Write(this, _guest, state);
        if (status != Status.Ok) return status;
        _exitHeld = false;
        _piecesLeft = 0;
        _shutDown = state.Activity == VcpuActivity.Shutdown;
        return Status.Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_run != null) _ = LibC.Unmap((nint)_run, (nuint)_guest.Host.RunSize);
            _run = null;
            _ring?.Dispose();
        }
        _ = LibC.Close(_file);
    }

    /// <summary>Lets the kernel finish the access that the last packet was for: until then its registers are those of the middle of an instruction.</summary>
    private void Settle()
    {
        if (_exitHeld || _shutDown) return;
        Volatile.Write(ref _run->ImmediateExit, 1);
        // With a further part of the same access the exit is kept for the next Run.
        _exitHeld = Control(KvmRequests.Run, null) >= 0;
        Volatile.Write(ref _run->ImmediateExit, 0);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _kicked) != 0) Volatile.Write(ref _run->ImmediateExit, 1);
    }
}
