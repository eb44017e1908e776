using System.Runtime.InteropServices;

namespace Hospes.Display.Rfb;

/// <summary>Rows that a client has elsewhere.</summary>
/// <param name="From">Where the first one is.</param>
/// <param name="To">Where it is to be.</param>
/// <param name="Count">How many rows.</param>
internal readonly record struct MovedRows(int From, int To, int Count);

/// <summary>
/// Finds out when a picture moved up or down over its whole width, as consoles do: from a sum over each row before and after. Rows of equal sums are
/// taken for equal; a guest that contrives others garbles nothing but its own picture. For one thread.
/// </summary>
internal sealed class ScrollFinder
{
    /// <summary>How many rows have to move at least; fewer are soon told.</summary>
    private const int LeastRows = 32;

    private const uint ColourMask = 0xFF_FFFF;

    private readonly Dictionary<ulong, int> _places = [];
    private readonly Dictionary<int, int> _votes = [];
    private ulong[] _before = [], _now = [];
    private int _width;

    /// <summary>Follows a change of the picture.</summary>
    /// <param name="copy">The picture after it.</param>
    /// <param name="changed">What changed.</param>
    /// <returns>The most rows that moved together; null for too few.</returns>
    public MovedRows? Follow(ScreenCopy copy, List<ScreenArea> changed)
    {
        if (_before.Length != copy.Height || _width != copy.Width)
        {
            (_before, _now, _width) = (new ulong[copy.Height], new ulong[copy.Height], copy.Width);
            for (int y = 0; y < copy.Height; y++) _now[y] = _before[y] = Sum(copy, y);
            return null;
        }
        int touched = 0;
        foreach (ScreenArea area in changed)
        {
            for (int y = area.Y; y < area.Y + area.Height; y++)
            {
                if (_now[y] != _before[y]) continue;
                _now[y] = Sum(copy, y);
                if (_now[y] != _before[y]) touched++;
            }
        }
        MovedRows? moved = touched >= LeastRows && Shift() is { } shift ? Longest(shift) : null;
        _now.CopyTo(_before, 0);
        return moved;
    }

    private static ulong Sum(ScreenCopy copy, int row)
    {
        ulong sum = 0xCBF2_9CE4_8422_2325;
        foreach (uint pixel in MemoryMarshal.Cast<byte, uint>(copy.Pixels.AsSpan(row * copy.Stride, copy.Stride))) sum = ((sum ^ (pixel & ColourMask)) * 0x9E37_79B9_7F4A_7C15) + (sum >> 47);
        return sum;
    }

    /// <summary>By how many rows most of those moved of which there was one only.</summary>
    private int? Shift()
    {
        const int Several = -1;
        _places.Clear();
        _votes.Clear();
        for (int y = 0; y < _before.Length; y++) _places[_before[y]] = _places.ContainsKey(_before[y]) ? Several : y;
        for (int y = 0; y < _now.Length; y++)
        {
            if (_now[y] == _before[y] || !_places.TryGetValue(_now[y], out int place) || place == Several) continue;
            CollectionsMarshal.GetValueRefOrAddDefault(_votes, place - y, out _)++;
        }
        return _votes.Count == 0 ? null : _votes.MaxBy(static vote => vote.Value).Key;
    }

    private MovedRows? Longest(int shift)
    {
        MovedRows best = default;
        int start = -1;
        for (int y = 0; y <= _now.Length; y++)
        {
            bool fits = y < _now.Length && y + shift >= 0 && y + shift < _before.Length && _now[y] == _before[y + shift];
            if (fits && start < 0) start = y;
            if (fits || start < 0) continue;
            if (y - start > best.Count) best = new MovedRows(start + shift, start, y - start);
            start = -1;
        }
        return best.Count >= LeastRows ? best : null;
    }
}
