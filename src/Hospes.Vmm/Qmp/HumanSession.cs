using System.Text;

namespace Hospes.Vmm.Qmp;

/// <summary>The session of a person at the monitor: a banner, a prompt, an echo of what is typed, one line at a time.</summary>
/// <param name="monitor">Does what the lines say.</param>
/// <param name="version">What the banner says.</param>
internal sealed class HumanSession(HumanMonitor monitor, string version)
{
    private const int LongestLine = 4096;
    private const byte Backspace = 8, Delete = 0x7F, EndOfLine = (byte)'\n', Return = (byte)'\r';

    private static readonly byte[] s_prompt = "(qemu) "u8.ToArray(), s_erase = "\b \b"u8.ToArray(), s_newLine = "\r\n"u8.ToArray();

    private readonly List<byte> _line = [];
    private bool _wasReturn;

    /// <summary>Serves until the stream ends.</summary>
    /// <param name="stream">The way to the person and back; closed at the end.</param>
    /// <param name="cancellation">Ends the session.</param>
    public async Task RunAsync(Stream stream, CancellationToken cancellation)
    {
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"Hospes {version} monitor - type 'help' for more information\r\n(qemu) "), cancellation).ConfigureAwait(false);
                byte[] buffer = new byte[256];
                while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is var count and > 0)
                {
                    for (int i = 0; i < count; i++) await stream.WriteAsync(Take(buffer[i]), cancellation).ConfigureAwait(false);
                    await stream.FlushAsync(cancellation).ConfigureAwait(false);
                }
            }
            catch (Exception fault) when (fault is OperationCanceledException or IOException or ObjectDisposedException)
            {
                // The person left, or the domain ends.
            }
        }
    }

    /// <summary>Takes a byte that was typed, and gives what is shown for it.</summary>
    private byte[] Take(byte value)
    {
        bool follows = _wasReturn && value == EndOfLine;
        _wasReturn = value == Return;
        if (follows) return [];
        if (value is Return or EndOfLine)
        {
            string answer = monitor.Execute(Encoding.UTF8.GetString([.. _line]));
            _line.Clear();
            return [.. s_newLine, .. Encoding.UTF8.GetBytes(answer), .. s_prompt];
        }
        if (value is Backspace or Delete)
        {
            if (_line.Count == 0) return [];
            _line.RemoveAt(_line.Count - 1);
            return s_erase;
        }
        if (value < ' ' || _line.Count == LongestLine) return [];
        _line.Add(value);
        return [value];
    }
}
