using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>
/// The model-specific registers that belong to a saved state: those that KVM names (<c>KVM_GET_MSR_INDEX_LIST</c>), less those with a field of their own
/// in <see cref="VcpuState"/>, less those that turn out to be unreadable in this guest. Thread-safe.
/// </summary>
internal sealed unsafe class MsrList(KvmHost host)
{
    public const uint TimeStamp = 0x10, ApicBase = 0x1B, TscAdjust = 0x3B, TscDeadline = 0x6E0, Efer = 0xC0000080, FsBase = 0xC0000100, GsBase = 0xC0000101;

    /// <summary>Registers of one request: fewer than the 256 that KVM takes (<c>MAX_IO_MSRS</c>), and small enough for the stack.</summary>
    private const int Most = 128;

    /// <summary>What stands for a register's number where KVM did not take it.</summary>
    private const ulong Refused = ulong.MaxValue;

    private readonly Lock _gate = new();
    private uint[]? _readable;

    /// <summary>Reads all of them into a dictionary.</summary>
    public void Read(KvmVcpu vcpu, IDictionary<uint, ulong> values)
    {
        uint[] wanted;
        lock (_gate) wanted = _readable ?? [.. Named().Where(HasNoField)];
        var read = new List<uint>(wanted.Length);
        Span<ulong> list = stackalloc ulong[1 + 2 * Most];
        foreach (uint[] part in wanted.Chunk(Most))
        {
            for (int i = 0; i < part.Length; i++) list[1 + 2 * i] = part[i];
            Transfer(vcpu, KvmRequests.GetMsrs, list[..(1 + 2 * part.Length)]);
            for (int i = 0; i < part.Length; i++)
            {
                if (list[1 + 2 * i] == Refused) continue;
                values[part[i]] = list[2 + 2 * i];
                read.Add(part[i]);
            }
        }
        lock (_gate) _readable ??= [.. read];
    }

    /// <summary>Writes registers in their order. One that this processor does not have, or whose value it does not take, is left out.</summary>
    public static void Write(KvmVcpu vcpu, IEnumerable<KeyValuePair<uint, ulong>> values)
    {
        Span<ulong> list = stackalloc ulong[1 + 2 * Most];
        foreach (KeyValuePair<uint, ulong>[] part in values.Chunk(Most))
        {
            for (int i = 0; i < part.Length; i++) (list[1 + 2 * i], list[2 + 2 * i]) = (part[i].Key, part[i].Value);
            Transfer(vcpu, KvmRequests.SetMsrs, list[..(1 + 2 * part.Length)]);
        }
    }

    /// <summary>Reads one.</summary>
    public static bool TryRead(KvmVcpu vcpu, uint msr, out ulong value)
    {
        Span<ulong> list = [0, msr, 0];
        Transfer(vcpu, KvmRequests.GetMsrs, list);
        value = list[1] == Refused ? 0 : list[2];
        return list[1] != Refused;
    }

    /// <summary>
    /// Reads or writes a list in as few requests as may be: KVM stops at the first register that it refuses and says how many it took before (KVM API,
    /// 4.18 and 4.19). The list is a word for the request's head, then the number and the value of each; the head of what remains goes where the value of
    /// a refused one was.
    /// </summary>
    private static void Transfer(KvmVcpu vcpu, uint request, Span<ulong> list)
    {
        int count = list.Length / 2, done = 0;
        fixed (ulong* at = list)
        {
            while (done < count)
            {
                at[2 * done] = (ulong)(count - done);
                done += Math.Max(vcpu.Control(request, at + 2 * done), 0);
                if (done >= count) return;
                at[1 + 2 * done++] = Refused;
            }
        }
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
