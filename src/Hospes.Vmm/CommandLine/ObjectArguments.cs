using Hospes.Hypervisor;

namespace Hospes.Vmm.CommandLine;

/// <summary>What memory is made of (QEMU's <c>memory-backend-*</c>).</summary>
/// <param name="Id">Its name.</param>
/// <param name="Size">Its bytes.</param>
internal sealed record MemoryBackend(string Id, ulong Size)
{
    /// <summary>Whether it comes from the host's pool of huge pages.</summary>
    public HugePages HugePages { get; init; }

    /// <summary>Whether other processes must be able to map it.</summary>
    public bool IsShared { get; init; }
}

/// <summary>Collects objects (<c>-object</c>): sources of entropy, and what memory is made of.</summary>
internal sealed class ObjectArguments
{
    private const string Ram = "memory-backend-ram", Memfd = "memory-backend-memfd", Builtin = "rng-builtin", Random = "rng-random";

    private readonly Dictionary<string, MemoryBackend?> _all = [];
    private readonly HashSet<string> _used = [];

    /// <summary>The types that there are, sorted.</summary>
    public static IReadOnlyList<string> Types { get; } = [Memfd, Ram, Builtin, Random];

    /// <summary>Whether there is a source of entropy of that name.</summary>
    public bool HasGenerator(string id) => _all.TryGetValue(id, out MemoryBackend? backend) && backend is null;

    /// <summary>Reads <c>-object</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Add(OptionSet set)
    {
        var reader = new OptionReader(set);
        string type = reader.Required("qom-type");
        string id = reader.Identifier("id") ?? "";
        if (id.Length == 0) reader.Fail("Parameter 'id' is missing");
        if (!Types.Contains(type)) reader.Fail($"Parameter 'qom-type' does not accept value '{type}'");
        MemoryBackend? backend = type is Ram or Memfd ? ReadMemory(reader, type, id) : null;
        // The host's generator is what both files are.
        if (type == Random) reader.Only("filename", "/dev/urandom", "/dev/random");
        if (!reader.Finish(name => $"Property '{type}.{name}' not found")) return reader.Error;
        return _all.TryAdd(id, backend) ? null : $"Duplicate ID '{id}' for object";
    }

    /// <summary>Gives a device its memory. Each backend is for one.</summary>
    /// <param name="id">The backend's name.</param>
    /// <param name="error">What is wrong, or null.</param>
    public MemoryBackend? TakeMemory(string id, out string? error)
    {
        error = null;
        if (!_all.TryGetValue(id, out MemoryBackend? backend)) error = $"Device '{id}' not found";
        else if (backend is null) error = "Invalid parameter type for 'memdev', expected: memory-backend";
        else if (!_used.Add(id)) error = $"'memdev' property specifies a busy memdev: {id}";
        return error is null ? backend : null;
    }

    private static MemoryBackend ReadMemory(OptionReader reader, string type, string id)
    {
        reader.Required("size");
        ulong size = reader.Size("size") ?? 0;
        if (size == 0) reader.Fail($"property 'size' of {type} doesn't take value '0'");
        else if (size % GuestMemory.PageSize != 0) reader.Fail($"size (0x{size:x}) is no multiple of the host's page size (0x{GuestMemory.PageSize:x})");
        var backend = new MemoryBackend(id, size) { IsShared = reader.Switch("share", type == Memfd) };
        // Pages are taken where they are touched, and are neither merged nor bound.
        reader.Only("merge", "off");
        reader.Only("dump", "on");
        reader.Only("prealloc", "off");
        reader.Only("reserve", "off");
        reader.Only("policy", "default");
        reader.Only("x-use-canonical-path-for-ramblock-id", "on", "off");
        if (type == Memfd)
        {
            reader.Only("seal", "off");
            bool isHuge = reader.Switch("hugetlb", false);
            ulong page = reader.Size("hugetlbsize") ?? 2UL << 20;
            if (isHuge && page is not (2UL << 20 or 1UL << 30)) reader.Fail("Parameter 'hugetlbsize' is supported with the value '2M' or '1G' only");
            if (isHuge) backend = backend with { HugePages = page == 1UL << 30 ? HugePages.Size1G : HugePages.Size2M };
            if (isHuge && size % page != 0) reader.Fail($"size (0x{size:x}) is no multiple of 'hugetlbsize' (0x{page:x})");
        }
        return backend;
    }
}
