"""StatHat as its clients know it: programs that were written for it go on counting here.

Law: whatever a real client sends is understood, however it spells it; what it hears is true. Points
go the way of all points, so the limits of plans and the promise of durability hold for them, too.
"""
