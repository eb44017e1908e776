namespace Hospes.Display.Rfb;

using static RfbNumbers;

/// <summary>What a client understands (RFC 6143, 7.5.2), in the order of its liking.</summary>
internal sealed class ClientEncodings
{
    /// <summary>The encoding that it likes best among those there are for pictures; null when it named none.</summary>
    public int? Favourite { get; private set; }

    /// <summary>Whether it takes rectangles that it has elsewhere.</summary>
    public bool CanCopy { get; private set; }

    /// <summary>Whether it draws the cursor itself.</summary>
    public bool HasCursor { get; private set; }

    /// <summary>Whether it can be told of another size, and of screens in it.</summary>
    public bool CanResize { get; private set; }

    /// <summary>Whether it can be told of screens, too, and ask for another size.</summary>
    public bool HasLayout { get; private set; }

    /// <summary>Whether it sends the numbers of keys.</summary>
    public bool HasKeys { get; private set; }

    /// <summary>Takes the next one.</summary>
    public void Add(int encoding)
    {
        switch (encoding)
        {
            case Raw or Hextile or Zrle:
                Favourite ??= encoding;
                break;
            case CopyRect:
                CanCopy = true;
                break;
            case RfbNumbers.Cursor:
                HasCursor = true;
                break;
            case DesktopSize:
                CanResize = true;
                break;
            case ExtendedDesktopSize:
                CanResize = HasLayout = true;
                break;
            case ExtendedKeys:
                HasKeys = true;
                break;
        }
    }
}
