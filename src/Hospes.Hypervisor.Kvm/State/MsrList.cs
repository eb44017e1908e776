using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>
/// The model-specific registers that belong to a saved state: those that KVM names (<c>KVM_GET_MSR_INDEX_LIST</c>), less those with a field of their own
/// in <see cref="VcpuState"/>, less those that turn out to be unreadable in this guest. Thread-safe.
/// </summary>
internal sealed unsafe class MsrList(KvmHost host)
{
    public const uint TimeStamp = 0x10, ApicBase = 0x1B, TscAdjust = 0x3B, TscDeadline = 0x6E0, Efer = 0xC0000080, FsBase = 0xC0000100, GsBase = 0xC0000101;

    private const int Head = 8;

    private readonly Lock _gate = new();
    private uint[]? _readable;

    /// <summary>Reads all of them into a dictionary.</summary>
    public void Read(KvmVcpu vcpu, IDictionary<uint, ulong> values)
    {
        foreach (uint msr in Readable(vcpu))
        {
            if (TryRead(vcpu, msr, out ulong value)) values[msr] = value;
        }
    }

    /// <summary>Reads one.</summary>
    public static bool TryRead(KvmVcpu vcpu, uint msr, out ulong value)
    {
        byte* buffer = stackalloc byte[Head + sizeof(KvmMsrEntry)];
        *(ulong*)buffer = 1;
        var entry = (KvmMsrEntry*)(buffer + Head);
        *entry = new KvmMsrEntry { Index = msr };
        bool read = vcpu.Control(KvmRequests.GetMsrs, buffer) == 1;
        value = read ? entry->Value : 0;
        return read;
    }

    /// <summary>Writes one; false when KVM refuses the register or the value.</summary>
    public static bool TryWrite(KvmVcpu vcpu, uint msr, ulong value)
    {
        byte* buffer = stackalloc byte[Head + sizeof(KvmMsrEntry)];
        *(ulong*)buffer = 1;
        *(KvmMsrEntry*)(buffer + Head) = new KvmMsrEntry { Index = msr, Value = value };
        return vcpu.Control(KvmRequests.SetMsrs, buffer) == 1;
    }

    private uint[] Readable(KvmVcpu vcpu)
    {
        lock (_gate) return _readable ??= [.. Named().Where(msr => HasNoField(msr) && TryRead(vcpu, msr, out _))];
    }

    private static bool HasNoField(uint msr) => msr is not (TimeStamp or Efer or FsBase or GsBase);

    private uint[] Named()
    {
        uint count = 0;
        // The first call fails for want of room and says how many there are.
        _ = Native.LibC.Control(host.File, KvmRequests.GetMsrIndexList, (nint)(&count));
        var list = new uint[count + 1];
        list[0] = count;
        fixed (uint* at = list)
        {
            if (Native.LibC.Control(host.File, KvmRequests.GetMsrIndexList, (nint)at) < 0) return [];
        }
        return list[1..];
    }
}
