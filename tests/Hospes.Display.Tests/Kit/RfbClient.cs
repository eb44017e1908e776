using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hospes.Display.Tests;

/// <summary>A client of RFB (RFC 6143) that decodes what it is told by the letter, for pixels of any number of bytes.</summary>
internal sealed class RfbClient : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly NetworkStream _stream;
    private readonly MemoryStream _packed = new();
    private ZLibStream? _unpacked;

    private RfbClient(NetworkStream stream) => _stream = stream;

    public int Width { get; private set; }

    public int Height { get; private set; }

    public string Name { get; private set; } = "";

    /// <summary>Bytes of a pixel.</summary>
    public int PixelSize { get; set; } = 4;

    /// <summary>The bytes of a pixel that ZRLE sends: the first, and how many.</summary>
    public (int Start, int Size) Compact { get; set; } = (0, 3);

    /// <summary>The pixels as they came.</summary>
    public byte[] Pixels { get; private set; } = [];

    public List<int> Encodings { get; } = [];

    public (int Side, int HotX, int HotY, byte[] Mask)? Cursor { get; private set; }

    /// <summary>Reason and status of the last ExtendedDesktopSize.</summary>
    public (int Reason, int Status)? Layout { get; private set; }

    public static RfbClient Open(VncAddress address)
    {
        var socket = address.Family == AddressFamily.Unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(address.Family, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(address.Family == AddressFamily.Unix ? new UnixDomainSocketEndPoint(address.Host) : new IPEndPoint(IPAddress.Parse(address.Host), int.Parse(address.Service, null)));
        return new RfbClient(new NetworkStream(socket, ownsSocket: true) { ReadTimeout = (int)s_patience.TotalMilliseconds });
    }

    /// <summary>Connects and is let in.</summary>
    public static RfbClient Connect(VncServer server, string version = "003.008", Func<byte[], byte[]>? answer = null, bool isShared = true)
    {
        RfbClient client = Open(server.Address);
        client.Greet(version, answer).ShouldBeNull();
        client.Begin(isShared);
        return client;
    }

    /// <summary>Version and security.</summary>
    /// <returns>Null, or why not.</returns>
    public string? Greet(string version, Func<byte[], byte[]>? answer = null)
    {
        Encoding.ASCII.GetString(Read(12)).ShouldBe("RFB 003.008\n");
        Write(Encoding.ASCII.GetBytes($"RFB {version}\n"));
        bool isOldest = version is not ("003.007" or "003.008" or "003.889");
        int kind = isOldest ? (int)Number(4) : Offered();
        if (!isOldest) Write([(byte)kind]);
        if (kind == 2) Write(answer!(Read(16)));
        else if (version is not ("003.008" or "003.889")) return null;
        if (Number(4) == 0) return null;
        return version is "003.008" or "003.889" ? Encoding.ASCII.GetString(Read((int)Number(4))) : "";

        int Offered()
        {
            byte[] kinds = Read(Read(1)[0]);
            kinds.Length.ShouldBe(1);
            return kinds[0];
        }
    }

    public void Begin(bool isShared = true)
    {
        Write([isShared ? (byte)1 : (byte)0]);
        Width = (int)Number(2);
        Height = (int)Number(2);
        Read(16)[0].ShouldBe((byte)32);
        Name = Encoding.UTF8.GetString(Read((int)Number(4)));
        Pixels = new byte[Width * Height * PixelSize];
    }

    public void SetEncodings(params int[] encodings)
    {
        Write([2, 0, (byte)(encodings.Length >> 8), (byte)encodings.Length]);
        foreach (int encoding in encodings) Write(BigEndian(encoding));
    }

    public void SetFormat(params byte[] format)
    {
        Write([0, 0, 0, 0, .. format]);
        PixelSize = format[0] / 8;
        Pixels = new byte[Width * Height * PixelSize];
    }

    public void Ask(bool isIncremental = true) => Write([3, isIncremental ? (byte)1 : (byte)0, 0, 0, 0, 0, (byte)(Width >> 8), (byte)Width, (byte)(Height >> 8), (byte)Height]);

    /// <summary>Reads one update.</summary>
    public void Update()
    {
        byte kind = Read(1)[0];
        if (kind == 1)
        {
            Read(3);
            Read((int)Number(2) * 6);
            kind = Read(1)[0];
        }
        kind.ShouldBe((byte)0);
        Read(1);
        for (uint left = Number(2); left > 0; left--) Rectangle();
    }

    /// <summary>Asks for and reads updates until something is so.</summary>
    public void Until(Func<bool> isSo)
    {
        while (!isSo())
        {
            Ask();
            Update();
        }
    }

    public void Write(byte[] bytes) => _stream.Write(bytes);

    public byte[] Read(int count)
    {
        byte[] bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads until the server closes the connection.</summary>
    public void Drain()
    {
        byte[] bytes = new byte[65536];
        try
        {
            while (_stream.Read(bytes) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Closed without all having been read.
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _unpacked?.Dispose();
        _packed.Dispose();
    }

    private static byte[] BigEndian(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private uint Number(int size) => Read(size).Aggregate(0u, static (value, at) => (value << 8) | at);

    private void Rectangle()
    {
        (int x, int y, int width, int height) = ((int)Number(2), (int)Number(2), (int)Number(2), (int)Number(2));
        int encoding = (int)Number(4);
        Encodings.Add(encoding);
        switch (encoding)
        {
            case 0:
                for (int i = 0; i < height; i++) Read(width * PixelSize).CopyTo(Pixels, At(x, y + i));
                break;
            case 1:
                CopyFrom((int)Number(2), (int)Number(2), x, y, width, height);
                break;
            case 5:
                Hextile(x, y, width, height);
                break;
            case 16:
                Zrle(x, y, width, height);
                break;
            case -223:
                Resize(width, height);
                break;
            case -239:
                byte[] pixels = Read(width * height * PixelSize);
                pixels.Length.ShouldBe(width * height * PixelSize);
                Cursor = (width, x, y, Read((width + 7) / 8 * height));
                break;
            case -258:
                break;
            case -308:
                Layout = (x, y);
                Read((Read(4)[0] * 16));
                Resize(width, height);
                break;
            default:
                throw new InvalidOperationException($"encoding {encoding}");
        }
    }

    private void Resize(int width, int height)
    {
        if ((width, height) == (Width, Height)) return;
        (Width, Height) = (width, height);
        Pixels = new byte[width * height * PixelSize];
    }

    private int At(int x, int y) => ((y * Width) + x) * PixelSize;

    private void Put(int x, int y, byte[] pixel) => pixel.CopyTo(Pixels, At(x, y));

    private void Fill(int x, int y, int width, int height, byte[] pixel)
    {
        for (int i = 0; i < width * height; i++) Put(x + (i % width), y + (i / width), pixel);
    }

    private void CopyFrom(int fromX, int fromY, int x, int y, int width, int height)
    {
        byte[] before = [.. Pixels];
        for (int i = 0; i < height; i++) Array.Copy(before, At(fromX, fromY + i), Pixels, At(x, y + i), width * PixelSize);
    }

    private void Hextile(int left, int top, int width, int height)
    {
        byte[] background = [], foreground = [];
        for (int y = top; y < top + height; y += 16)
        {
            for (int x = left; x < left + width; x += 16)
            {
                int w = Math.Min(16, left + width - x), h = Math.Min(16, top + height - y), kind = Read(1)[0];
                if ((kind & 1) != 0)
                {
                    for (int i = 0; i < h; i++) Read(w * PixelSize).CopyTo(Pixels, At(x, y + i));
                    continue;
                }
                if ((kind & 2) != 0) background = Read(PixelSize);
                if ((kind & 4) != 0) foreground = Read(PixelSize);
                Fill(x, y, w, h, background);
                int count = (kind & 8) != 0 ? Read(1)[0] : 0;
                for (; count > 0; count--)
                {
                    if ((kind & 16) != 0) foreground = Read(PixelSize);
                    byte[] place = Read(2);
                    Fill(x + (place[0] >> 4), y + (place[0] & 15), (place[1] >> 4) + 1, (place[1] & 15) + 1, foreground);
                }
            }
        }
    }

    private void Zrle(int left, int top, int width, int height)
    {
        long at = _packed.Position;
        byte[] bytes = Read((int)Number(4));
        _packed.Position = _packed.Length;
        _packed.Write(bytes);
        _packed.Position = at;
        _unpacked ??= new ZLibStream(_packed, CompressionMode.Decompress);
        for (int y = top; y < top + height; y += 64)
        {
            for (int x = left; x < left + width; x += 64) ZrleTile(x, y, Math.Min(64, left + width - x), Math.Min(64, top + height - y));
        }
    }

    private void ZrleTile(int x, int y, int width, int height)
    {
        int kind = Unpacked(1)[0];
        if (kind == 0)
        {
            for (int i = 0; i < width * height; i++) Put(x + (i % width), y + (i / width), CompactPixel());
        }
        else if (kind == 1)
        {
            Fill(x, y, width, height, CompactPixel());
        }
        else if (kind <= 16)
        {
            byte[][] palette = [.. Enumerable.Range(0, kind).Select(_ => CompactPixel())];
            int bits = kind == 2 ? 1 : kind <= 4 ? 2 : 4;
            for (int j = 0; j < height; j++)
            {
                byte[] row = Unpacked(((width * bits) + 7) / 8);
                for (int i = 0; i < width; i++) Put(x + i, y + j, palette[(row[i * bits / 8] >> (8 - bits - (i * bits % 8))) & ((1 << bits) - 1)]);
            }
        }
        else
        {
            kind.ShouldBe(128);
            for (int i = 0; i < width * height;)
            {
                byte[] pixel = CompactPixel();
                int length = 1, more;
                do length += more = Unpacked(1)[0];
                while (more == 255);
                for (; length > 0; length--, i++) Put(x + (i % width), y + (i / width), pixel);
            }
        }
    }

    private byte[] CompactPixel()
    {
        byte[] pixel = new byte[PixelSize];
        Unpacked(Math.Min(Compact.Size, PixelSize)).CopyTo(pixel, PixelSize == 4 ? Compact.Start : 0);
        return pixel;
    }

    private byte[] Unpacked(int count)
    {
        byte[] bytes = new byte[count];
        _unpacked!.ReadExactly(bytes);
        return bytes;
    }
}
