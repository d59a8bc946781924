"""Names of the classes of published data sets, in the order of the label columns of the published lists."""

_IMAGENET_100 = """
n01514668 n01537544 n01560419 n01629819 n01632458 n01664065 n01685808 n01687978 n01698640 n01729322
n01774750 n01797886 n01819313 n01828970 n01944390 n01986214 n02017213 n02018207 n02077923 n02088466
n02093256 n02094114 n02096177 n02096294 n02097209 n02098105 n02102177 n02105162 n02106550 n02111129
n02111277 n02113023 n02128385 n02256656 n02281787 n02346627 n02391049 n02408429 n02415577 n02454379
n02488291 n02526121 n02655020 n02834397 n02840245 n02841315 n02865351 n02871525 n02895154 n02939185
n02948072 n02965783 n02992211 n03018349 n03045698 n03047690 n03196217 n03223299 n03272562 n03291819
n03345487 n03445924 n03483316 n03584829 n03680355 n03690938 n03733131 n03743016 n03803284 n03814639
n03838899 n03857828 n03891332 n03895866 n03899768 n03902125 n03944341 n04026417 n04153751 n04201297
n04238763 n04254120 n04344873 n04350905 n04366367 n04404412 n04417672 n04435653 n04486054 n04548362
n04560804 n04579432 n04596742 n07583066 n07584110 n07753113 n07754684 n07836838 n12057211 n13044778
"""
IMAGENET_100 = tuple(_IMAGENET_100.split())
"""WordNet numbers of the 100 classes that the field draws from ImageNet, ascending."""

_VOC2012 = """
aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person
pottedplant sheep sofa train tvmonitor
"""
VOC2012 = tuple(_VOC2012.split())
"""The 20 classes of PASCAL VOC, by name."""

_COCO = """
airplane apple backpack banana baseball_bat baseball_glove bear bed bench bicycle bird boat book bottle
bowl broccoli bus cake car carrot cat cell_phone chair clock couch cow cup dining_table dog donut
elephant fire_hydrant fork frisbee giraffe hair_drier handbag horse hot_dog keyboard kite knife laptop
microwave motorcycle mouse orange oven parking_meter person pizza potted_plant refrigerator remote
sandwich scissors sheep sink skateboard skis snowboard spoon sports_ball stop_sign suitcase surfboard
teddy_bear tennis_racket tie toaster toilet toothbrush traffic_light train truck tv umbrella vase
wine_glass zebra
"""
COCO = tuple(name.replace("_", " ") for name in _COCO.split())
"""The 80 categories of COCO, by name, not by their numbers in COCO."""


def numbered_names(count: int) -> tuple[str, ...]:
    """Names for label columns that have only a number.

    >>> numbered_names(11)[:3]
    ('00', '01', '02')
    """
    width = len(str(count - 1))
    return tuple(f"{number:0{width}d}" for number in range(count))
