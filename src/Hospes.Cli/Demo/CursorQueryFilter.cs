using Hospes.Machine;

namespace Hospes.Cli.Demo;

/// <summary>
/// Takes the question "where is the cursor?" (ECMA-48 8.3.35, DSR 6) out of a guest's console: its shell asks at every prompt,
/// and where no terminal is to answer, the question is only noise.
/// </summary>
internal sealed class CursorQueryFilter(IConsoleSink inner) : IConsoleSink
{
    private int _matched;

    private static ReadOnlySpan<byte> Query => "\e[6n"u8;

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Span<byte> kept = bytes.Length <= 1024 ? stackalloc byte[bytes.Length + 4] : new byte[bytes.Length + 4];
        int count = 0;
        foreach (byte value in bytes)
        {
            if (value != Query[_matched])
            {
                // What looked like the question was none. Only its first byte can begin another.
                Query[.._matched].CopyTo(kept[count..]);
                count += _matched;
                _matched = 0;
            }

            if (value == Query[_matched]) _matched = (_matched + 1) % Query.Length;
            else kept[count++] = value;
        }

        inner.Write(kept[..count]);
    }
}
