using System.Buffers.Binary;
using System.Diagnostics;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;

namespace Hospes.Oracle.Soft;

/// <summary>
/// Runs cases in the software processor, in user mode of a tiny guest. A case is entered with IRETQ and ends in an
/// exception, as natively it ends in a signal; the exception's handler leaves the processor with OUT.
/// </summary>
internal sealed unsafe class SoftRunner : IDisposable
{
    private static readonly TimeSpan CaseLimit = TimeSpan.FromSeconds(10);

    private readonly Guest _guest;
    private readonly SoftVcpu _vcpu;
    private readonly byte* _memory;
    private readonly byte[] _readOnlyPage;
    private readonly Timer _watchdog;
    private long _case;
    private long _watched;
    private bool _isRunning;

    // SAFETY: _memory is the host address of the guest's only range, mapped until the guest is closed in Dispose; all offsets
    // used here are constants of SoftLayout inside it. The state is read and written only while the processor is stopped.
    public SoftRunner(string translation, ReadOnlySpan<byte> readOnlyPage)
    {
        Translation = translation;
        _readOnlyPage = readOnlyPage.ToArray();
        var engine = new CapturingEngine(new SoftEngine());
        using var resource = new HypervisorResource(engine);
        Guest.Create(resource, new GuestOptions { EngineSettings = new Dictionary<string, string> { ["translate"] = translation } }, out var guest).ShouldBe(Status.Ok);
        _guest = guest!;
        _guest.Memory.Map(0, SoftLayout.MemorySize, out var range).ShouldBe(Status.Ok);
        _memory = (byte*)range!.HostAddress;
        SoftLayout.Build(_guest.Memory);
        SoftLayout.Write(_guest.Memory, SoftLayout.ReadOnly, _readOnlyPage);
        _guest.CreateVcpu(out var vcpu).ShouldBe(Status.Ok);
        vcpu!.WriteState(InitialState(vcpu)).ShouldBe(Status.Ok);
        _vcpu = (SoftVcpu)engine.Vcpu!;
        _watchdog = new Timer(_ => Watch(), null, CaseLimit, CaseLimit);
    }

    /// <summary>The engine's setting: whether the cases are interpreted or translated.</summary>
    public string Translation { get; }

    /// <summary>Runs one case; the answer says what else than an exception ended it, or is null.</summary>
    public string? Run(ref CaseSlot slot, ref CpuImage output)
    {
        Load(ref slot);
        string? problem;
        try
        {
            Interlocked.Increment(ref _case);
            Volatile.Write(ref _isRunning, true);
            var started = Stopwatch.GetTimestamp();
            var status = _vcpu.Run(out var packet);
            Volatile.Write(ref _isRunning, false);
            if (status == Status.Canceled && Stopwatch.GetElapsedTime(started) < CaseLimit)
            {
                // The watchdog barked at the case before.
                status = _vcpu.Run(out packet);
            }

            problem = status == Status.Ok && packet.Kind == PacketKind.Io && packet.Address < 256 ? null : $"  soft: {status}, packet {packet.Kind}\n";
            if (problem is null)
            {
                Save(ref output, packet.Address);
            }
        }
#pragma warning disable CA1031 // Whatever the engine throws is what the report is to show.
        catch (Exception failure)
        {
            problem = $"  soft: {failure}\n";
        }
#pragma warning restore CA1031

        var code = new byte[slot.CodeLength];
        code.AsSpan().Fill(SharedLayout.Filler);
        SoftLayout.Write(_guest.Memory, SoftLayout.Code + (ulong)slot.CodeStart, code);
        return problem;
    }

    public void Dispose()
    {
        _watchdog.Dispose();
        _vcpu.Dispose();
        _guest.Dispose();
    }

    private void Watch()
    {
        var now = Interlocked.Read(ref _case);
        if (Interlocked.Exchange(ref _watched, now) == now && Volatile.Read(ref _isRunning))
        {
            _vcpu.Kick();
        }
    }

    private static VcpuState InitialState(Vcpu vcpu)
    {
        var state = new VcpuState();
        vcpu.ReadState(state).ShouldBe(Status.Ok);
        state.Cr0 = SoftLayout.Cr0;
        state.Cr3 = SoftLayout.Tables;
        state.Cr4 = SoftLayout.Cr4;
        state.Efer = SoftLayout.Efer;
        state.Xcr0 = SoftLayout.Xcr0;
        state.GdtBase = SoftLayout.KernelBase + SoftLayout.Gdt;
        state.GdtLimit = SoftLayout.GdtLimit;
        state.IdtBase = SoftLayout.KernelBase + SoftLayout.Idt;
        state.IdtLimit = SoftLayout.IdtLimit;
        state.Tr = new SegmentState { Selector = SoftLayout.Task, Attributes = 0x8B, Limit = SoftLayout.TssLimit, Base = SoftLayout.KernelBase + SoftLayout.Tss };
        const uint unusable = 1 << 16;
        for (var i = 0; i < state.Segments.Length; i++)
        {
            state.Segments[i] = new SegmentState { Attributes = unusable };
        }

        state.Segments[1] = new SegmentState { Selector = SoftLayout.KernelCode, Attributes = 0xA09B, Limit = uint.MaxValue };
        state.Ldtr = new SegmentState { Attributes = unusable };
        state.Rflags = 2;
        state.Rip = SoftLayout.KernelBase + SoftLayout.Enter;
        return state;
    }

    private void Load(ref CaseSlot slot)
    {
        ref var input = ref slot.Input;
        SoftLayout.Write(_guest.Memory, SoftLayout.Code + (ulong)slot.CodeStart, slot.Code);
        input.WindowBytes.CopyTo(new Span<byte>(_memory + SoftLayout.Window, SharedLayout.WindowSize));
        var frame = (ulong*)(_memory + SoftLayout.StackTop - 40);
        frame[0] = input[Greg.Rip];
        frame[1] = SoftLayout.UserCode;
        frame[2] = input[Greg.Rflags];
        frame[3] = input[Greg.Rsp];
        frame[4] = SoftLayout.UserStack;

        var s = _vcpu.State;
        for (var i = 0; i < 16; i++)
        {
            s->General[i] = input[StateBuilder.ByNumber[i]];
        }

        s->General[4] = SoftLayout.KernelBase + SoftLayout.StackTop - 40;
        s->Rip = SoftLayout.KernelBase + SoftLayout.Enter;
        s->Fs.Base = input.FsBase;
        s->Gs.Base = input.GsBase;
        var xsave = input.XsaveBytes;
        s->Mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(xsave[CpuImage.Mxcsr..]);
        s->Fcw = BinaryPrimitives.ReadUInt16LittleEndian(xsave);
        s->Fsw = BinaryPrimitives.ReadUInt16LittleEndian(xsave[CpuImage.Fsw..]);
        s->Ftw = xsave[CpuImage.Ftw];
        s->Fop = 0;
        s->Fip = s->Fdp = 0;
        s->Fcs = s->Fds = 0;
        var top = (s->Fsw >> 11) & 7;
        for (var i = 0; i < 8; i++)
        {
            xsave.Slice(CpuImage.St0 + (16 * i), 16).CopyTo(new Span<byte>(s->X87Registers + (16 * ((top + i) & 7)), 16));
        }

        for (var i = 0; i < 16; i++)
        {
            xsave.Slice(CpuImage.Xmm0 + (16 * i), 16).CopyTo(new Span<byte>(CpuState.Vector(s, i), 16));
            xsave.Slice(CpuImage.Ymm0High + (16 * i), 16).CopyTo(new Span<byte>(CpuState.Vector(s, i) + 16, 16));
        }
    }

    private void Save(ref CpuImage output, ulong vector)
    {
        // Vectors that push an error code (SDM volume 3, table 6-1).
        var hasError = vector is 8 or (>= 10 and <= 14) or 17 or 21;
        var frame = (ulong*)(_memory + SoftLayout.StackTop - 40);
        var s = _vcpu.State;
        output = default;
        for (var i = 0; i < 16; i++)
        {
            output[StateBuilder.ByNumber[i]] = s->General[i];
        }

        output[Greg.Rsp] = frame[3];
        output[Greg.Rip] = frame[0];
        output[Greg.Rflags] = frame[2];
        output[Greg.Trap] = vector;
        output[Greg.ErrorCode] = hasError ? frame[-1] : 0;
        output[Greg.Cr2] = s->Cr2;
        output.FsBase = s->Fs.Base;
        output.GsBase = s->Gs.Base;
        var xsave = output.XsaveBytes;
        BinaryPrimitives.WriteUInt32LittleEndian(xsave[CpuImage.Mxcsr..], s->Mxcsr);
        BinaryPrimitives.WriteUInt16LittleEndian(xsave, s->Fcw);
        BinaryPrimitives.WriteUInt16LittleEndian(xsave[CpuImage.Fsw..], s->Fsw);
        xsave[CpuImage.Ftw] = s->Ftw;
        var top = (s->Fsw >> 11) & 7;
        for (var i = 0; i < 8; i++)
        {
            new ReadOnlySpan<byte>(s->X87Registers + (16 * ((top + i) & 7)), 10).CopyTo(xsave[(CpuImage.St0 + (16 * i))..]);
        }

        for (var i = 0; i < 16; i++)
        {
            new ReadOnlySpan<byte>(CpuState.Vector(s, i), 16).CopyTo(xsave[(CpuImage.Xmm0 + (16 * i))..]);
            new ReadOnlySpan<byte>(CpuState.Vector(s, i) + 16, 16).CopyTo(xsave[(CpuImage.Ymm0High + (16 * i))..]);
        }

        new ReadOnlySpan<byte>(_memory + SoftLayout.Window, SharedLayout.WindowSize).CopyTo(output.WindowBytes);
    }

    /// <summary>The engine as it is, but for a look at the processor that it makes.</summary>
    private sealed class CapturingEngine(IEngine engine) : IEngine
    {
        public IVcpuEngine? Vcpu { get; private set; }

        public string Name => engine.Name;

        public bool Supports(Capability capability) => engine.Supports(capability);

        public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
        {
            var status = engine.CreateGuest(options, memory, traps, out var made);
            guest = made is null ? null : new CapturingGuest(this, made);
            return status;
        }

        private sealed class CapturingGuest(CapturingEngine owner, IGuestEngine guest) : IGuestEngine
        {
            public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
            {
                var status = guest.CreateVcpu(id, out vcpu);
                owner.Vcpu = vcpu;
                return status;
            }

            public bool DeliverMessage(ulong address, uint data) => guest.DeliverMessage(address, data);

            public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge) => guest.SetExternalInterrupt(asserted, acknowledge);

            public void TrapAdded(Trap trap) => guest.TrapAdded(trap);

            public void SetDirtyLogging(bool enabled) => guest.SetDirtyLogging(enabled);

            public void SynchronizeDirtyLog() => guest.SynchronizeDirtyLog();

            public void Dispose() => guest.Dispose();
        }
    }
}
