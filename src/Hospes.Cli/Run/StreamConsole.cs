using Hospes.Machine;

namespace Hospes.Cli.Run;

/// <summary>Writes a guest's console to a stream as it comes. A reader that went away is no reason to end the guest.</summary>
internal sealed class StreamConsole(Stream output) : IConsoleSink
{
    private bool _gone;

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
