using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Hypervisor;
using Hospes.Machine;

namespace Hospes.Cli.Run;

/// <summary>How much memory a guest has, and may have.</summary>
/// <param name="Start">Bytes in the beginning.</param>
/// <param name="Most">Bytes with all that may be plugged in while it runs.</param>
internal readonly record struct MemorySize(long Start, long Most)
{
    private const string Max = "max=", What = "is no size such as 512M or 2G";

    private const long Usual = 512L << 20;

    /// <summary><c>--memory</c>, of a guest that gets no more while it runs.</summary>
    public static Option<long> Fixed() =>
        OptionValue.Create("--memory", "SIZE", "The guest's memory, such as 512M or 2G; a bare number is in MiB. 512M when absent.", (string text, out long bytes) => ReadSize(text, out bytes), Usual);

    /// <summary><c>--memory</c>.</summary>
    public static Option<MemorySize> Growing() => OptionValue.Create(
        "--memory", "SIZE[,max=SIZE]",
        "The guest's memory, such as 512M or 2G; a bare number is in MiB. 512M when absent. max: how much it may have while it runs (virtio-mem): QMP's "
            + "'qom-set /machine/peripheral/memory0 requested-size' says how much beyond the first size.",
        (string text, out MemorySize size) =>
        {
            size = default;
            string[] parts = text.Split(',');
            if (ReadSize(parts[0], out long start) is { } wrong) return wrong;
            size = new MemorySize(start, start);
            if (parts.Length == 1) return null;
            if (parts.Length > 2 || !parts[1].StartsWith(Max, StringComparison.Ordinal)) return "has something other than max=SIZE behind its size";
            if (ReadSize(parts[1][Max.Length..], out long most) is { } odd) return $"has a max that {odd}";
            size = new MemorySize(start, most);
            return most > start && (most - start) % (long)MemoryOptions.UsualBlock == 0 ? null : "has a max that is not more than its size by a multiple of 2M";
        }, new MemorySize(Usual, Usual));

    /// <summary>The device by which the guest gets more; null when it does not.</summary>
    /// <param name="huge">Whether it is of huge pages.</param>
    public MemoryOptions? Device(HugePages huge) => Most > Start ? new MemoryOptions((ulong)(Most - Start)) { Id = "memory0", HugePages = huge } : null;

    private static string? ReadSize(string text, out long bytes) => !ByteSize.TryParse(text, out bytes) ? What : bytes == 0 ? "is no memory at all" : null;
}
