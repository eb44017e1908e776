namespace Hospes.Hypervisor.Kvm;

/// <summary>Why KVM cannot be used on this host: a closed set.</summary>
public enum KvmRefusalKind
{
    /// <summary>There is no such device.</summary>
    Absent,

    /// <summary>The device is there and this process may not open it.</summary>
    Denied,

    /// <summary>What was opened does not speak KVM's interface, or another version of it.</summary>
    Foreign,

    /// <summary>The kernel's KVM lacks something that guests cannot do without.</summary>
    Incomplete,

    /// <summary>It runs no guest as a processor would: there is no hardware virtualization behind it.</summary>
    Unreal,
}

/// <summary>Why KVM cannot be used on this host, and what to do about it.</summary>
/// <param name="Kind">The kind of refusal.</param>
/// <param name="Cause">What was found, for people: half a sentence.</param>
/// <param name="Remedy">What to do, for people: half a sentence.</param>
public sealed record KvmRefusal(KvmRefusalKind Kind, string Cause, string Remedy);
