namespace Hospes.Cli.Run;

/// <summary>Finds the key that leaves the console, Ctrl-], in what is typed.</summary>
internal static class ConsoleKeys
{
    /// <summary>What Ctrl-] sends: the control character GS.</summary>
    public const byte Leave = 0x1D;

    /// <summary>Reads keys until the input ends or the person leaves.</summary>
    /// <param name="input">What is typed.</param>
    /// <param name="leaves">Whether <see cref="Leave"/> leaves: only on a terminal; a pipe's bytes all go to the guest.</param>
    /// <param name="type">Takes the keys.</param>
    /// <returns>True when the person left.</returns>
    public static bool Pump(Stream input, bool leaves, Action<ReadOnlyMemory<byte>> type)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            int read;
            try
            {
                read = input.Read(buffer);
            }
            catch (IOException)
            {
                // The terminal hung up.
                return false;
            }

            if (read <= 0) return false;
            int leave = leaves ? Array.IndexOf(buffer, Leave, 0, read) : -1;
            type(buffer.AsMemory(0, leave < 0 ? read : leave));
            if (leave >= 0) return true;
        }
    }
}
