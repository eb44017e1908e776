using System.Diagnostics.CodeAnalysis;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Cpu;

/// <summary>
/// What the guest's processor says of itself: what the host's and KVM's CPUID offer, limited by a model, less single features left out by name as in
/// <c>host,-x2apic</c>. Nested virtualization, AVX-512 and AMX are never offered: the contract's state has no room for theirs.
/// </summary>
internal sealed unsafe class KvmCpuModel
{
    /// <summary>The models: what the host has under two names, and what the software engine has too.</summary>
    public static readonly string[] Names = ["max", "host", Portable];

    private const string Portable = "hospes-v3";
    private const int Head = 8;

    /// <summary>x87, SSE, AVX and PKRU: what <see cref="VcpuState.ExtendedArea"/> holds.</summary>
    private const ulong SavedFeatures = 0x207;

    private readonly Lock _gate = new();
    private readonly List<CpuFeature> _removed = [];
    private readonly bool _portable;
    private KvmCpuIdEntry[]? _answers;

    private KvmCpuModel(bool portable) => _portable = portable;

    /// <summary>Parses a model's name with features taken away or given back.</summary>
    /// <param name="text">As in <c>max,-x2apic</c>; null or empty for the default.</param>
    /// <param name="model">The model, or null.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KvmCpuModel? model)
    {
        model = null;
        string[] parts = string.IsNullOrEmpty(text) ? [Names[0]] : text.Split(',');
        if (!Names.Contains(parts[0])) return false;
        var parsed = new KvmCpuModel(parts[0] == Portable);
        foreach (string part in parts.AsSpan(1))
        {
            if (part.Length < 2 || !CpuFeature.Named.TryGetValue(part[1..], out CpuFeature feature)) return false;
            if (part[0] == '-') parsed._removed.Add(feature);
            else if (part[0] == '+') parsed._removed.RemoveAll(removed => removed == feature);
            else return false;
        }
        model = parsed;
        return true;
    }

    /// <summary>The components that the guest's XCR0 can hold.</summary>
    public ulong ExtendedFeatures(KvmHost host)
    {
        foreach (KvmCpuIdEntry entry in Answers(host))
        {
            if (entry is { Leaf: 0xD, Subleaf: 0 }) return entry.Eax | (ulong)entry.Edx << 32;
        }
        return 1;
    }

    /// <summary>Gives a vCPU its answers.</summary>
    public bool Apply(KvmVcpu vcpu, KvmHost host, int maxVcpus)
    {
        KvmCpuIdEntry[] answers = Answers(host);
        Span<byte> buffer = new byte[Head + answers.Length * sizeof(KvmCpuIdEntry)];
        fixed (byte* at = buffer)
        {
            *(uint*)at = (uint)answers.Length;
            var entries = new Span<KvmCpuIdEntry>(at + Head, answers.Length);
            answers.CopyTo(entries);
            foreach (ref KvmCpuIdEntry entry in entries) Topology.Place(ref entry, (uint)vcpu.Id, (uint)maxVcpus);
            return vcpu.Control(KvmRequests.SetCpuId, at) == 0;
        }
    }

    private KvmCpuIdEntry[] Answers(KvmHost host)
    {
        lock (_gate) return _answers ??= [.. Limit(Supported(host), host)];
    }

    private IEnumerable<KvmCpuIdEntry> Limit(IReadOnlyList<KvmCpuIdEntry> supported, KvmHost host)
    {
        var result = new List<KvmCpuIdEntry>();
        foreach (KvmCpuIdEntry offered in supported)
        {
            KvmCpuIdEntry entry = offered;
            if (IsHidden(entry)) continue;
            AddEmulated(ref entry, host);
            Hide(ref entry);
            if (_portable)
            {
                foreach (CpuIdLimit limit in CpuIdLimit.PortableModel)
                {
                    if (limit.Leaf != entry.Leaf || entry.Subleaf != 0) continue;
                    (entry.Ebx, entry.Ecx, entry.Edx) = (entry.Ebx & limit.Ebx, entry.Ecx & limit.Ecx, entry.Edx & limit.Edx);
                }
            }
            foreach (CpuFeature feature in _removed)
            {
                if (feature.Leaf == entry.Leaf && entry.Subleaf == 0) Clear(ref entry, feature);
            }
            result.Add(entry);
        }
        Topology.AddLeaf(result);
        return result;
    }

    /// <summary>Leaves that tell of what no guest gets: performance counters, Intel's processor trace and enclaves, AMX, nested virtualization, encryption.</summary>
    private static bool IsHidden(in KvmCpuIdEntry entry) => entry.Leaf is 0xA or 0x12 or 0x14 or 0x1D or 0x1E or 0x1F or 0x8000_000A or 0x8000_001F or 0x8000_0026
        || (entry.Leaf == 0xD && entry.Subleaf > 1 && (entry.Subleaf > 63 || (SavedFeatures >> (int)entry.Subleaf & 1) == 0));

    /// <summary>What KVM does in software and does not list.</summary>
    private static void AddEmulated(ref KvmCpuIdEntry entry, KvmHost host)
    {
        if (entry.Leaf != 1) return;
        const uint X2Apic = 1 << 21, TscDeadline = 1 << 24, Hypervisor = 1u << 31;
        entry.Ecx |= X2Apic | Hypervisor;
        entry.Ecx = host.Check(KvmExtension.TscDeadline) != 0 ? entry.Ecx | TscDeadline : entry.Ecx & ~TscDeadline;
    }

    private static void Hide(ref KvmCpuIdEntry entry)
    {
        switch (entry.Leaf)
        {
            case 1:
                // VMX.
                entry.Ecx &= ~(1u << 5);
                break;
            case 7 when entry.Subleaf == 0:
                // AVX-512 in all its parts, MPX, AMX.
                entry.Ebx &= ~(1u << 14 | 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
                entry.Ecx &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
                entry.Edx &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
                break;
            case 7 when entry.Subleaf == 1:
                // AVX512_BF16, AMX-FP16.
                entry.Eax &= ~(1u << 5 | 1u << 21);
                break;
            case 0xD when entry.Subleaf == 0:
                entry.Eax &= (uint)SavedFeatures;
                entry.Edx = 0;
                entry.Ebx = entry.Ecx = AreaSize(entry.Eax);
                break;
            case 0xD when entry.Subleaf == 1:
                entry.Ecx = entry.Edx = 0;
                break;
            case 0x8000_0001:
                // SVM.
                entry.Ecx &= ~(1u << 2);
                break;
        }
    }

    private static uint AreaSize(uint features)
    {
        const int LegacyAndHeader = 576;
        int size = LegacyAndHeader;
        for (int i = 2; i < 32; i++)
        {
            if ((features >> i & 1) == 0) continue;
            (int length, int offset, _, _) = System.Runtime.Intrinsics.X86.X86Base.CpuId(0xD, i);
            size = Math.Max(size, offset + length);
        }
        return (uint)size;
    }

    private static void Clear(ref KvmCpuIdEntry entry, CpuFeature feature)
    {
        ref uint register = ref entry.Eax;
        switch (feature.Register)
        {
            case CpuIdRegister.Ebx: register = ref entry.Ebx; break;
            case CpuIdRegister.Ecx: register = ref entry.Ecx; break;
            case CpuIdRegister.Edx: register = ref entry.Edx; break;
        }
        register &= ~(1u << feature.Bit);
    }

    private static KvmCpuIdEntry[] Supported(KvmHost host)
    {
        // The kernel's own limit.
        const int Most = 256;
        Span<byte> buffer = new byte[Head + Most * sizeof(KvmCpuIdEntry)];
        fixed (byte* at = buffer)
        {
            *(uint*)at = Most;
            if (LibC.Control(host.File, KvmRequests.GetSupportedCpuId, (nint)at) < 0) return [];
            return new ReadOnlySpan<KvmCpuIdEntry>(at + Head, (int)*(uint*)at).ToArray();
        }
    }
}
