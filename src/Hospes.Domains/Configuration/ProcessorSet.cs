using System.Globalization;
using System.Text;

namespace Hospes.Domains.Configuration;

/// <summary>Some of the host's processors, at least one: what libvirt writes as <c>cpuset</c> (formatdomain, "CPU Allocation"). Immutable, with equality by content.</summary>
public sealed class ProcessorSet : IEquatable<ProcessorSet>
{
    /// <summary>One more than the largest number of a processor: the bits of libvirt's longest set (<c>REMOTE_CPUMAP_MAX</c>).</summary>
    public const int Limit = 2048 * 8;

    /// <summary>The processors as bits, the first in the lowest bit of the first byte; the last byte is not 0.</summary>
    private readonly byte[] _bits;

    private ProcessorSet(byte[] bits) => _bits = bits;

    /// <summary>The largest number that is in the set.</summary>
    public int Last => (_bits.Length * 8) - 1 - (int)byte.LeadingZeroCount(_bits[^1]);

    /// <summary>The processors that the host has and uses; the first so many that this process may use where the kernel does not say.</summary>
    public static ProcessorSet OfHost
    {
        get
        {
            try
            {
                if (Parse(File.ReadAllText("/sys/devices/system/cpu/online").Trim()) is { } online) return online;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // There is another way to know.
            }
            return Parse($"0-{(Environment.ProcessorCount - 1).ToString(CultureInfo.InvariantCulture)}")!;
        }
    }

    /// <summary>Reads numbers, ranges and exceptions behind commas, such as <c>0-3,^2,5</c>.</summary>
    /// <param name="text">The text, of a stranger.</param>
    /// <returns>The set; null if the text is none, or leaves nobody.</returns>
    public static ProcessorSet? Parse(string text)
    {
        byte[] bits = new byte[Limit / 8];
        foreach (string item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            bool without = item.StartsWith('^');
            string[] ends = (without ? item[1..] : item).Split('-', 2, StringSplitOptions.TrimEntries);
            if (Number(ends[0]) is not { } first || Number(ends[^1]) is not { } last || last < first || (without && ends.Length > 1)) return null;
            for (int processor = first; processor <= last; processor++)
            {
                if (without) bits[processor / 8] &= (byte)~(1 << (processor % 8));
                else bits[processor / 8] |= (byte)(1 << (processor % 8));
            }
        }
        return FromBits(bits);
    }

    /// <summary>The set of these bits, the first processor in the lowest bit of the first byte; null if none is set, or there are too many.</summary>
    public static ProcessorSet? FromBits(ReadOnlySpan<byte> bits)
    {
        ReadOnlySpan<byte> used = bits.TrimEnd((byte)0);
        return used.Length is 0 or > Limit / 8 ? null : new ProcessorSet(used.ToArray());
    }

    /// <summary>Whether a processor is in the set.</summary>
    public bool Contains(int processor) => processor >= 0 && processor / 8 < _bits.Length && (_bits[processor / 8] & (1 << (processor % 8))) != 0;

    /// <summary>The first number that is in this set and not in another; null if there is none.</summary>
    public int? FirstBeyond(ProcessorSet other)
    {
        for (int processor = 0; processor <= Last; processor++)
        {
            if (Contains(processor) && !other.Contains(processor)) return processor;
        }
        return null;
    }

    /// <summary>The bits in so many bytes; those that do not fit are left out.</summary>
    public byte[] ToBits(int length)
    {
        byte[] bits = new byte[length];
        _bits.AsSpan(0, Math.Min(length, _bits.Length)).CopyTo(bits);
        return bits;
    }

    /// <inheritdoc/>
    public bool Equals(ProcessorSet? other) => other is not null && _bits.AsSpan().SequenceEqual(other._bits);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ProcessorSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bits);
        return hash.ToHashCode();
    }

    /// <summary>Numbers and ranges behind commas, as libvirt writes them.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        for (int first = 0; first <= Last; first++)
        {
            if (!Contains(first)) continue;
            int last = first;
            while (Contains(last + 1)) last++;
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first) text.Append(CultureInfo.InvariantCulture, $"-{last}");
            first = last;
        }
        return text.ToString();
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < Limit ? number : null;
}
