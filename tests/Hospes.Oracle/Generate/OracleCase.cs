using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>What is known of a case besides its bytes: the instructions, and what of the result means nothing.</summary>
internal sealed class OracleCase
{
    public List<Instruction> Instructions { get; } = [];

    /// <summary>Bits of RFLAGS that the instructions leave undefined.</summary>
    public ulong UndefinedFlags { get; set; }

    /// <summary>Bits of the x87 status word that the instructions leave undefined.</summary>
    public ushort UndefinedStatus { get; set; }

    /// <summary>Bytes of the window that are not compared, as offset and length.</summary>
    public List<(int Offset, int Length)> IgnoredWindow { get; } = [];

    public bool IsIgnored(int offset)
    {
        foreach (var (start, length) in IgnoredWindow)
        {
            if (offset - start >= 0 && offset - start < length)
            {
                return true;
            }
        }

        return false;
    }

    public void Clear()
    {
        Instructions.Clear();
        UndefinedFlags = 0;
        UndefinedStatus = 0;
        IgnoredWindow.Clear();
    }
}
