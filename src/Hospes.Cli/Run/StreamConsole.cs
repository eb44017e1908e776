using Hospes.Machine;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Cli.Run;

/// <summary>Writes a guest's console to a stream as it comes. A reader that went away is no reason to end the guest.</summary>
internal sealed class StreamConsole(Stream output) : IConsoleSink
{
    private bool _gone;

    /// <summary>Standard output itself, without the runtime's console, which changes terminals in its own ways.</summary>
    public static Stream StandardOutput() => new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);

    /// <summary>Standard input itself.</summary>
    public static Stream StandardInput() => new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_gone) return;
        try
        {
            output.Write(bytes);
        }
        catch (IOException)
        {
            _gone = true;
        }
    }
}
