using System.Text;
using Hospes.Store.Wire;

namespace Hospes.Store.Metrics;

/// <summary>
/// The most used paths, by the space-saving method: a fixed number of counters, of which the smallest is given to each new path. Counts
/// only while somebody asks now and then.
/// </summary>
internal sealed class HotPaths
{
    private const int CounterCount = 256;
    private const long OnMilliseconds = 5000;

    private readonly Dictionary<string, long> _counts = [];
    private long _until;

    public bool IsOn => _until != 0;

    public void Note(uint type, ReadOnlySpan<byte> payload)
    {
        if (_until == 0) return;
        if ((XsMessageType)type is not (XsMessageType.Read or XsMessageType.Write or XsMessageType.Directory or XsMessageType.DirectoryPart
            or XsMessageType.MakeDirectory or XsMessageType.Remove or XsMessageType.GetPermissions or XsMessageType.SetPermissions)) return;
        int nul = payload.IndexOf((byte)0);
        if (nul <= 0) return;
        string path = Encoding.Latin1.GetString(payload[..nul]);
        if (_counts.TryGetValue(path, out long count)) _counts[path] = count + 1;
        else if (_counts.Count < CounterCount) _counts.Add(path, 1);
        else
        {
            KeyValuePair<string, long> least = _counts.MinBy(pair => pair.Value);
            _counts.Remove(least.Key);
            _counts.Add(path, least.Value + 1);
        }
    }

    /// <summary>The counts since the last call; counting goes on for some seconds more.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Take(long now)
    {
        KeyValuePair<string, long>[] taken = [.. _counts.OrderByDescending(pair => pair.Value).Take(20)];
        _counts.Clear();
        _until = now + OnMilliseconds;
        return taken;
    }

    /// <summary>Stops counting when nobody asked for a while.</summary>
    public void Check(long now)
    {
        if (_until != 0 && now > _until)
        {
            _until = 0;
            _counts.Clear();
        }
    }
}
