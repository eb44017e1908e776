namespace Hospes.Hypervisor;

/// <summary>An interrupt line that can be bound to one virtual processor (zx_interrupt_bind_vcpu).</summary>
public sealed class Interrupt : Handle<Interrupt>
{
    private readonly Binding _binding;

    /// <summary>Makes an unbound interrupt.</summary>
    public Interrupt()
        : this(new Binding(), Rights.DefaultPort | Rights.Signal, new HandleCount())
    {
    }

    private Interrupt(Binding binding, Rights rights, HandleCount count)
        : base(rights, count) => _binding = binding;

    /// <summary>Binds the interrupt to a virtual processor: from now on a trigger queues the vector there.</summary>
    /// <param name="vcpu">The processor; its handle needs <see cref="Rights.Write"/>.</param>
    /// <param name="vector">16 to 255.</param>
    /// <returns><see cref="Status.AlreadyBound"/> when bound before; <see cref="Status.OutOfRange"/> for a vector below 16.</returns>
    public Status Bind(Vcpu vcpu, byte vector)
    {
        Status status = Check(Rights.Read);
        if (status != Status.Ok) return status;
        if ((vcpu.Rights & Rights.Write) == 0) return Status.AccessDenied;
        if (vcpu.IsClosed) return Status.BadState;
        if (vector < 16) return Status.OutOfRange;
        return Interlocked.CompareExchange(ref _binding.Target, new Target(vcpu, vector), null) is null ? Status.Ok : Status.AlreadyBound;
    }

    /// <summary>Raises the interrupt.</summary>
    /// <returns><see cref="Status.BadState"/> when it is bound to nothing.</returns>
    public Status Trigger()
    {
        Status status = Check(Rights.Signal);
        if (status != Status.Ok) return status;
        Target? target = Volatile.Read(ref _binding.Target);
        return target is null ? Status.BadState : target.Vcpu.RaiseBound(target.Vector);
    }

    private protected override Interrupt With(Rights rights, HandleCount count) => new(_binding, rights, count);

    private protected override void EndObject()
    {
    }

    private sealed record Target(Vcpu Vcpu, byte Vector);

    private sealed class Binding
    {
        public Target? Target;
    }
}
