namespace Hospes.Display.Rfb;

/// <summary>Numbers of the protocol (RFC 6143, and where noted those that were registered or described later).</summary>
internal static class RfbNumbers
{
    /// <summary>What both sides say first (7.1.1): this version, and how many bytes that are.</summary>
    public const string Version = "RFB 003.008\n";

    /// <summary>Kinds of security (7.2).</summary>
    public const byte SecurityNone = 1, SecurityPassword = 2;

    /// <summary>Bytes of a challenge, and of a password (7.2.2).</summary>
    public const int ChallengeSize = 16, PasswordSize = 8;

    /// <summary>Encodings (7.7).</summary>
    public const int Raw = 0, CopyRect = 1, Hextile = 5, Zrle = 16;

    /// <summary>Encodings that are none (7.8, and the community's protocol document): the cursor, the size, the size with screens, keys with numbers.</summary>
    public const int Cursor = -239, DesktopSize = -223, ExtendedDesktopSize = -308, ExtendedKeys = -258;

    /// <summary>Messages of clients (7.5), one of the community's, QEMU's, and QEMU's with a key.</summary>
    public const byte SetPixelFormat = 0, SetEncodings = 2, UpdateRequest = 3, KeyEvent = 4, PointerEvent = 5, ClientCutText = 6, SetDesktopSize = 251, Qemu = 255, QemuKey = 0;

    /// <summary>Messages of servers (7.6).</summary>
    public const byte Update = 0, ColourMap = 1;

    /// <summary>Why a size is told: somebody else's, this client's wish. And what became of a wish: done, wrong, handed on.</summary>
    public const int ByServer = 0, ByClient = 1, Done = 0, WrongLayout = 3, HandedOn = 4;
}
